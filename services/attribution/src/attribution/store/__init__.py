"""All SQL of attribution: one statement a table a batch, rows locked in key order."""
