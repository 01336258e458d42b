"""Parked events: what a consumer set aside, and what it took up again."""

from typing import ClassVar

from ..event import EventData, Id, Instant, Text


class _Parking(EventData):
    consumer: Id
    ce_source: Id
    ce_id: Id
    ce_type: Id | None = None
    topic: Id
    partition: int
    offset: int
    reason: Id
    at: Instant

    @property
    def parked_key(self) -> str:
        """The parked event's own identity."""
        return f"{self.ce_source}/{self.ce_id}"


class EventParked(_Parking):
    """A consumer could not apply an event and set it aside with its reason."""

    TYPE: ClassVar[str] = "event.parked.v1"
    detail: Text


class EventReleased(_Parking):
    """A parked event was applied, or discarded, by an operator."""

    TYPE: ClassVar[str] = "event.released.v1"
    outcome: Id
    actor: Id
