"""Tells participants and subscribers where each reward stands."""
