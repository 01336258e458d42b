"""The plumbing that every Goodword service shares: consume, decide, commit, relay, trace."""
