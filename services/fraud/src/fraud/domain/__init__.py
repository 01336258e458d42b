"""What fraud decides, and on what: pure values and decisions, no clock, no database."""
