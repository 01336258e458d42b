"""All SQL of partners, set-based: what it decides, what it heard, what moved."""
