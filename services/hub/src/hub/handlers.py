"""What the hub hears: everything that a journey shows, kept as it was said."""

from collections.abc import Sequence

from service_kit.events import Event
from service_kit.transaction import Transaction
from shared_schemas.event import EventData
from shared_schemas.topics import TOPICS

from .domain.steps import step_of
from .store import steps

_HEARD = TOPICS.heard_by("hub")
HEARS = tuple({model: 0 for topic in _HEARD if not topic.table for model in topic.events})
TABLES = tuple(model for topic in _HEARD if topic.table for model in topic.events)


async def handle(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
    """Keep a batch: each revision once, the newest of each as its document."""
    await steps.save(
        tx,
        [step_of(event.data, at=event.now, traceparent=_trace_of(event)) for event in events],
    )


def _trace_of(event: Event[EventData]) -> str | None:
    """The trace that the event itself travelled in, not that of its handling here."""
    return event.envelope.traceparent
