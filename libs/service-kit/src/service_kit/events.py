"""What handlers receive: an event with its place, the cause of an emission, a due row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1
from typing import Generic, TypeVar
from uuid import UUID

import msgspec
from shared_schemas.envelope import Envelope
from shared_schemas.event import EventData

D = TypeVar("D", bound=EventData)
DataT_co = TypeVar("DataT_co", bound=EventData, covariant=True)

_NAMESPACE = UUID("6f0c5a1e-7c0a-5b52-9a55-0c6f1f0a2d10").bytes


class Cause(msgspec.Struct, frozen=True):
    """What an emission follows from: its `now` becomes the emission's `ce_time`."""

    source: str
    event_id: str
    now: datetime
    correlation_id: str
    traceparent: str | None = None

    @classmethod
    def of_request(
        cls, source: str, key: str, now: datetime, traceparent: str | None = None
    ) -> "Cause":
        """The cause that a request is: `key` is its idempotency key or its natural key."""
        return cls(source, key, now, derived_id(source, key), traceparent)


class Event(msgspec.Struct, Generic[DataT_co], frozen=True):
    """One delivered event. `traceparent` is that of its processing, else as it was received."""

    envelope: Envelope
    topic: str  # without the deployment's prefix
    partition: int
    offset: int
    key: str | None
    data: DataT_co
    body: bytes
    traceparent: str | None = None

    @property
    def id(self) -> str:
        """Unique per `source`."""
        return self.envelope.event_id

    @property
    def source(self) -> str:
        """Who published it."""
        return self.envelope.source

    @property
    def type(self) -> str:
        """Its CloudEvents type."""
        return self.envelope.event_type

    @property
    def now(self) -> datetime:
        """The time of the decision that made it, which is the clock of its handler."""
        return self.envelope.time

    @property
    def cause(self) -> Cause:
        """This event as the cause of what its handler emits."""
        correlation_id = self.envelope.correlation_id or self.id
        return Cause(self.source, self.id, self.now, correlation_id, self.traceparent)


@dataclass(frozen=True, slots=True)
class DueRow:
    """One row of due work, at its time."""

    kind: str
    subject: str
    due_at: datetime
    payload: Mapping[str, object]
    cause: Cause

    @property
    def now(self) -> datetime:
        """Its handler's clock."""
        return self.due_at


def of_type(events: Iterable[Event[EventData]], *models: type[D]) -> list[Event[D]]:
    """The events that carry one of `models`, in the order given."""
    return [event for event in events if isinstance(event.data, models)]  # type: ignore[misc]


def emitted_id(cause: Cause, event_type: str, n: int) -> str:
    """The id of the nth event of a type that follows from a cause: the same on every try."""
    return derived_id(cause.source, cause.event_id, event_type, str(n))


def derived_id(*parts: str) -> str:
    """A uuid5 of the parts. By hand: the standard library's takes four times as long."""
    digest = sha1(_NAMESPACE + "\n".join(parts).encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
