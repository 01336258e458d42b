"""All SQL of notifications; each function is one statement, whatever the batch."""
