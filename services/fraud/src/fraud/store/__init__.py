"""All SQL. Locks are taken in this order, rows of a table by key, in one statement a table:
touches, conversions, participants, identities, judgements."""
