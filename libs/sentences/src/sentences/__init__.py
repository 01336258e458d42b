"""Reads the sentences that deciding services write, and says them in a reader's language."""
