"""An event as a Kafka record: CloudEvents headers, key, body.

The headers are those of `shared_schemas.envelope`, written out for speed; a test holds them equal.
"""

from datetime import datetime
from functools import lru_cache

from msgspec import Struct
from service_kit.producer import Record
from shared_schemas.envelope import CONTENT_TYPE, SCHEMA_PATH, SPEC_VERSION

from ..domain.wire import Body, encode


class Posting(Struct, frozen=True, kw_only=True):
    """What an event's headers say of where it comes from. `cause_id` is set on a second event of
    one message."""

    event_id: str
    source: str
    received_at: datetime
    body_hash: str | None = None
    traceparent: str | None = None
    cause_id: str | None = None


def record_of(event: Body, posting: Posting) -> Record:
    """The record to send; the message's own id correlates all that follows from it."""
    key = event.route.encode()
    headers = [
        *_constant(event.TYPE, posting.source),
        ("ce_id", posting.event_id.encode()),
        ("ce_time", posting.received_at.isoformat().replace("+00:00", "Z").encode()),
        ("ce_partitionkey", key),
        ("ce_correlationid", (posting.cause_id or posting.event_id).encode()),
    ]
    if posting.cause_id is not None:
        headers.append(("ce_causationid", posting.cause_id.encode()))
    if posting.body_hash is not None:
        headers.append(("ce_bodyhash", posting.body_hash.encode()))
    if posting.traceparent is not None:
        headers.append(("traceparent", posting.traceparent.encode()))
    return Record(event.TOPIC, key, headers, encode(event))


@lru_cache(maxsize=1_024)
def _constant(event_type: str, source: str) -> tuple[tuple[str, bytes], ...]:
    return (
        ("ce_specversion", SPEC_VERSION.encode()),
        ("ce_type", event_type.encode()),
        ("ce_source", source.encode()),
        ("ce_dataschema", SCHEMA_PATH.format(type=event_type).encode()),
        ("content-type", CONTENT_TYPE.encode()),
    )
