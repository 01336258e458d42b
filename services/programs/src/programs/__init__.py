"""Control plane: programs, markets, participants, links, keys."""
