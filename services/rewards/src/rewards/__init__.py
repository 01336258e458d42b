"""Turns credits into rewards through a double-entry ledger and pays each once."""
