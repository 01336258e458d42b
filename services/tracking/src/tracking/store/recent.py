"""The latest event ids with a digest of their bodies: enough to notice that an id is used again."""


class Recent:
    """Remembers at least the last `least` ids and at most twice as many, in constant time."""

    def __init__(self, least: int) -> None:
        self._least = least
        self._young: dict[str, str] = {}
        self._old: dict[str, str] = {}

    def contradicts(self, event_id: str, body_hash: str) -> bool:
        """Whether this id was acknowledged with another body."""
        known = self._young.get(event_id) or self._old.get(event_id)
        return known is not None and known != body_hash

    def remember(self, event_id: str, body_hash: str) -> None:
        """Note an acknowledged event."""
        if len(self._young) >= self._least:
            self._young, self._old = {}, self._young
        self._young[event_id] = body_hash
