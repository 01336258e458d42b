"""Puts bad records among the good ones, so that parking itself is put to the proof."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from service_kit.events import derived_id
from service_kit.intake import UNREADABLE_SOURCE
from shared_schemas.envelope import Headers
from shared_schemas.topics import TOPICS

from ..platform import Running
from .history import Planted

TOPIC: Final = "tracking.conversions"
MARK: Final = "goodword-planted"  # redelivery leaves these alone: their identity is their place
_SOURCE = "chaos/planted"
_TYPE = b"conversion.recorded.v1"
_OTHER_HASH = "0" * 64
_WAIT_MILLISECONDS = 60_000


@dataclass(frozen=True, slots=True)
class _Bad:
    """One bad record; `id` None: its identity is its place on the topic."""

    id: str | None
    headers: Headers
    body: bytes | None
    key: bytes = b"planted"
    source: str = _SOURCE


async def plant(platform: Running) -> frozenset[Planted]:
    """Produce one record of each kind; who must park what."""
    consumers = next(topic.heard_by for topic in TOPICS if topic.name == TOPIC)
    kafka = platform.infrastructure.kafka_bootstrap.split(",")
    full = platform.topic_prefix + TOPIC
    bad = [*_bad_records(), _reused(await _first_report(kafka, full))]
    found: set[Planted] = set()
    async with AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", enable_idempotence=True
    ) as producer:
        for each in bad:
            headers = [*each.headers, (MARK, b"1")]
            sent = await producer.send_and_wait(full, each.body, key=each.key, headers=headers)
            source, event_id = each.source, each.id
            if event_id is None:
                place = (TOPIC, str(sent.partition), str(sent.offset))
                source, event_id = UNREADABLE_SOURCE, derived_id(*place)
            found |= {
                Planted(consumer=name, source=source, event_id=event_id) for name in consumers
            }
    return frozenset(found)


def _bad_records() -> Sequence[_Bad]:
    good = _headers("good")
    return (
        _Bad(None, good[1:], b"{}"),
        _Bad(None, [*good[:-1], ("ce_time", b"\xff\xfe")], b"{}"),
        _Bad(None, [*good[:-1], ("ce_time", b"yesterday")], b"{}"),
        _Bad("null-body", _headers("null-body"), None),
        _Bad("no-json", _headers("no-json"), b"{not json"),
        _Bad("wrong-body", _headers("wrong-body"), b'{"conversion_id": 7}'),
        _Bad("unknown-version", _headers("unknown-version", b"conversion.recorded.v9"), b"{}"),
    )


def _headers(name: str, event_type: bytes = _TYPE) -> Headers:
    return [
        ("ce_id", name.encode()),
        ("ce_type", event_type),
        ("ce_source", _SOURCE.encode()),
        ("ce_time", b"2026-01-01T00:00:00Z"),
    ]


async def _first_report(kafka: Sequence[str], topic: str) -> "ConsumerRecord[bytes, bytes]":
    """A report that a client made, already on the topic."""
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=list(kafka), group_id=None, auto_offset_reset="earliest"
    ) as consumer:
        polled = await consumer.getmany(timeout_ms=_WAIT_MILLISECONDS, max_records=1)
    return next(record for records in polled.values() for record in records)


def _reused(record: "ConsumerRecord[bytes, bytes]") -> _Bad:
    """The id of a real report, with another body."""
    headers = {name: value for name, value in record.headers if name != "ce_bodyhash"}
    body = json.loads(record.value or b"{}") | {"amount_minor": 1}
    name = headers["ce_id"].decode()
    return _Bad(
        id=f"{name}~{_OTHER_HASH[:12]}",
        headers=[*headers.items(), ("ce_bodyhash", _OTHER_HASH.encode())],
        body=json.dumps(body).encode(),
        key=record.key or b"",
        source=headers["ce_source"].decode(),
    )
