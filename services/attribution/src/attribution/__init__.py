"""Decides who earned the credit for a conversion, and says why."""
