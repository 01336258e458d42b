"""What every route works with, put together once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from opentelemetry.trace import Span
from prometheus_client import Counter
from service_kit import metrics
from shared_schemas.destinations import Allowed
from shared_schemas.keys import api_key_hash

from ..domain.case import Secrets
from ..domain.tables import ApiKey
from ..domain.token import TokenKeys
from ..settings import TrackingSettings
from ..store.journal import Journal, Publisher
from ..store.lanes import Lanes
from ..store.recent import Recent
from ..store.registry import Registry
from ..store.spool import Spool

SOURCE = "goodword/tracking"  # ce_source of what nobody's key reported: clicks

messages = metrics.counter("messages", "Messages by call and what became of them", "call", "result")
clicks = metrics.counter("clicks", "Followed links by what became of them", "outcome")
contacts_dropped = Counter(
    "goodword_contacts_unsealable", "Contacts that could not be sealed: no day key is known"
)


class Traces(Protocol):
    """The part of the kit's telemetry that begins a trace."""

    def begin(self, name: str) -> tuple[Span | None, str]:
        """A trace's first span, if it is sampled, and its traceparent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Tables, secrets, the journal and its lanes, where links may lead, the clock."""

    settings: TrackingSettings
    registry: Registry
    secrets: Secrets
    journal: Journal
    lanes: Lanes
    destinations: Allowed
    recent: Recent
    traces: Traces
    now: Callable[[], datetime]

    def key(self, raw: str) -> ApiKey | None:
        """The key that a client shows, whatever its state."""
        return self.registry.key(_hashed(self.settings.key_pepper.get_secret_value(), raw))


@lru_cache(maxsize=256)
def _hashed(pepper: str, raw: str) -> str:
    return api_key_hash(pepper, raw)


def open_door(
    settings: TrackingSettings,
    registry: Registry,
    *,
    publisher: Publisher,
    traces: Traces,
    now: Callable[[], datetime],
) -> Door:
    """The door of a running service."""
    former = settings.token_secret_former
    journal = Journal(
        publisher,
        Spool(max_bytes=settings.spool_max_bytes, write_seconds=settings.acknowledge_seconds),
        acknowledge_seconds=settings.acknowledge_seconds,
        most_touches=settings.touches_waiting_max,
    )
    signing = (settings.token_secret, *([former] if former else []))
    return Door(
        settings=settings,
        registry=registry,
        secrets=Secrets(
            settings.match_key.get_secret_value(),
            TokenKeys(*(secret.get_secret_value() for secret in signing)),
        ),
        journal=journal,
        lanes=Lanes(
            journal, most_waiting=settings.code_waiting_max, most_aside=settings.overflow_max
        ),
        destinations=settings.destinations(),
        recent=Recent(settings.remembered_ids),
        traces=traces,
        now=now,
    )
