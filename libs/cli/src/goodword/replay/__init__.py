"""Replays: real marketing tables, sent through the front door and checked against an oracle."""
