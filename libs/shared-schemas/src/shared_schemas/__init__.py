"""The wire of Goodword: envelope, events, money, identities, states, topic table."""
