"""All SQL of the control plane, set-based: one statement a table."""
