"""All SQL of rewards: one statement a table a batch, rows locked in key order."""
