"""Judges each credit: clear, hold or reject, as a sum of named contributions."""
