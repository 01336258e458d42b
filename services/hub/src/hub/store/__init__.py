"""All of the hub's SQL."""
