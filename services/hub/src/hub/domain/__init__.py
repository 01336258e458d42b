"""Pure: what was heard as steps, and steps as a journey that explains itself."""
