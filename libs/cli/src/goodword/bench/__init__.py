"""Measures the platform beside bare loops that do the same work, and says what it reaches."""
