"""The goodword command: bring everything up, watch it work, prove it."""
