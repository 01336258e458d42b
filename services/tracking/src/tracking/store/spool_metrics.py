"""What Prometheus reads of the spool."""

from typing import NamedTuple, Protocol

from prometheus_client import Counter, Gauge
from service_kit.metrics import counter

spooled = Counter("goodword_spool_records_spooled", "Events made durable in the spool")
drained = Counter("goodword_spool_records_drained", "Spooled events that Kafka acknowledged")
damaged = Counter("goodword_spool_records_damaged", "Spooled events that are unreadable or refused")
torn = Counter("goodword_spool_tails_torn", "Writes that a crash cut off, dropped at a start")
refusals = counter("spool_refusals", "Writes that the spool did not take", "reason")

_records = Gauge("goodword_spool_records", "Events in the spool")
_bytes = Gauge("goodword_spool_bytes", "Bytes of the spool on disk")
_segments = Gauge("goodword_spool_segments", "Files of the spool")
_oldest = Gauge("goodword_spool_oldest_age_seconds", "Age of the oldest event in the spool")


class Standing(NamedTuple):
    """How much is in a spool; `oldest_seconds` is the age of its first event."""

    records: int
    bytes: int
    segments: int
    oldest_seconds: float


class Watched(Protocol):
    """A spool, as far as its gauges look at it."""

    @property
    def standing(self) -> Standing:
        """How much is in it."""


def watch(spool: Watched) -> None:
    """Let the gauges tell of this spool: a process has one."""
    _records.set_function(lambda: spool.standing.records)
    _bytes.set_function(lambda: spool.standing.bytes)
    _segments.set_function(lambda: spool.standing.segments)
    _oldest.set_function(lambda: spool.standing.oldest_seconds)
