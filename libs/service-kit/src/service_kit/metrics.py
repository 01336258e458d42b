"""What Prometheus reads from a service. Each metric with labels is a function to its child.

Children are remembered, so that counting costs a dictionary look-up:
`handled("reward.approved.v1", "applied").inc()`.
"""

from collections.abc import Callable
from functools import cache

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_AGES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 3_600, 86_400)


def counter(name: str, about: str, *labels: str) -> Callable[..., Counter]:
    """A counter of a service: a function from label values to the child that counts."""
    return cache(Counter(f"goodword_{name}", about, labels).labels)


def gauge(name: str, about: str, *labels: str) -> Callable[..., Gauge]:
    """A gauge of a service: a function from label values to the child that is set."""
    return cache(Gauge(f"goodword_{name}", about, labels).labels)


def histogram(
    name: str, about: str, *labels: str, buckets: tuple[float, ...] = _SECONDS
) -> Callable[..., Histogram]:
    """A histogram of a service: a function from label values to the child that observes."""
    return cache(Histogram(f"goodword_{name}", about, labels, buckets=buckets).labels)


handled = counter("events_handled", "Events by what became of them", "type", "result")
event_age_seconds = histogram(
    "event_age_seconds", "Now minus ce_time when an event's effect commits", "topic", buckets=_AGES
)
parked = counter("events_parked", "Events set aside", "topic", "reason")
unknown_types = counter("unknown_types_skipped", "Events of a type nobody registered", "topic")
table_records_skipped = counter("table_records_skipped", "Unreadable table records", "topic")
http_requests = counter("http_requests", "Requests answered", "method", "route", "status")
http_seconds = histogram("http_request_seconds", "Time to answer", "route")
loop_restarts = counter("loop_restarts", "Background loops that raised and began again", "loop")

batch_seconds = Histogram(
    "goodword_batch_seconds", "One batch, from delivery to committed offsets", buckets=_SECONDS
)
relay_publish_seconds = Histogram(
    "goodword_relay_publish_seconds", "One relay cycle, from read to mark", buckets=_SECONDS
)
offset_commits_failed = Counter("goodword_offset_commits_failed", "Offset commits refused by Kafka")
waiting = Gauge("goodword_events_waiting", "Events that wait for a fact")
outbox_unpublished = Gauge("goodword_outbox_unpublished", "Outbox rows that Kafka has not taken")
due_lag_seconds = Gauge("goodword_due_lag_seconds", "How long the oldest due row is overdue")


def page() -> bytes:
    """Everything measured, in Prometheus' text format."""
    return generate_latest(REGISTRY)
