"""What Kafka delivered, read before any transaction: an event, or the reason to park it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec
from pydantic import ValidationError
from shared_schemas.envelope import BadEnvelope, Envelope
from shared_schemas.event import EventData
from shared_schemas.table import TopicTable

from .events import Event, derived_id

RawHeaders = Sequence[tuple[str, bytes | None]]
UNREADABLE_SOURCE = "kafka"
MAX_DETAIL_CHARACTERS = 500
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[tuple[str, bytes | None]]).decode


class Delivery(NamedTuple):
    """One record as it was delivered; `topic` is without the deployment's prefix."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: RawHeaders
    body: bytes | None
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a delivery cannot be handled."""

    reason: str
    detail: str


class Item(NamedTuple):
    """A delivery with its identity: an `event` to handle, or a `fault` for which to park it."""

    delivery: Delivery
    source: str
    id: str
    type: str | None
    time: datetime
    body_hash: str | None
    event: Event[EventData] | None
    fault: Fault | None = None

    @property
    def place(self) -> tuple[str, bytes | None]:
        """What the order of an ordered topic is kept by."""
        return self.delivery.topic, self.delivery.key


@dataclass(frozen=True, slots=True)
class Reader:
    """How a service reads deliveries: the models it hears, the types it knows of."""

    topics: TopicTable
    hears: frozenset[str]
    max_bytes: int

    def read(self, delivery: Delivery) -> Item | None:
        """The delivery's item; None if its type is known and not heard, or not known at all."""
        try:
            envelope = Envelope.from_headers(delivery.headers)
        except BadEnvelope as error:
            return _unreadable(delivery, Fault("bad_envelope", str(error)))
        event_type = envelope.event_type
        if event_type in self.hears:
            return self._heard(delivery, envelope)
        if self.topics.model(event_type) is None and self._is_another_version(event_type):
            return _item(delivery, envelope, fault=Fault("unknown_version", event_type))
        return None

    def knows(self, delivery: Delivery) -> bool:
        """Whether the topic table carries this delivery's type."""
        event_type = Envelope.from_headers(delivery.headers).event_type
        return self.topics.model(event_type) is not None

    def _heard(self, delivery: Delivery, envelope: Envelope) -> Item:
        body = delivery.body
        if body is None:
            return _item(delivery, envelope, fault=Fault("null_body", "the record has no body"))
        if len(body) > self.max_bytes:
            return _item(delivery, envelope, fault=Fault("oversized", f"{len(body)} bytes"))
        model = self.topics.model(envelope.event_type)
        if model is None:
            raise LookupError(f"{envelope.event_type} is heard but on no topic")
        try:
            data = model.model_validate_json(body)
        except ValidationError as error:
            return _item(delivery, envelope, fault=Fault("invalid_body", _paths(error)))
        return _item(delivery, envelope, data=data)

    def _is_another_version(self, event_type: str) -> bool:
        name, _, version = event_type.rpartition(".v")
        if not name or not version.isdecimal():
            return False
        return any(heard.rpartition(".v")[0] == name for heard in self.hears)


def pack_headers(headers: RawHeaders) -> bytes:
    """Any record headers as one value, MessagePack."""
    return _pack(headers)


def unpack_headers(packed: bytes) -> list[tuple[str, bytes | None]]:
    """The headers behind `pack_headers`."""
    return _unpack(packed)


def _item(
    delivery: Delivery,
    envelope: Envelope,
    *,
    data: EventData | None = None,
    fault: Fault | None = None,
) -> Item:
    event = None
    if data is not None:
        event = Event(
            envelope=envelope,
            topic=delivery.topic,
            partition=delivery.partition,
            offset=delivery.offset,
            key=None if delivery.key is None else delivery.key.decode("utf-8", "replace"),
            data=data,
            body=delivery.body or b"",
            traceparent=envelope.traceparent,
        )
    return Item(
        delivery,
        envelope.source,
        envelope.event_id,
        envelope.event_type,
        envelope.time,
        envelope.body_hash,
        event,
        fault,
    )


def _unreadable(delivery: Delivery, fault: Fault) -> Item:
    place = (delivery.topic, str(delivery.partition), str(delivery.offset))
    return Item(
        delivery,
        UNREADABLE_SOURCE,
        derived_id(*place),
        None,
        delivery.timestamp,
        None,
        None,
        fault,
    )


def _paths(error: ValidationError) -> str:
    """Where a body is wrong, without the values, which may be anybody's."""
    problems = (
        f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['type']}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    )
    return "; ".join(problems)[:MAX_DETAIL_CHARACTERS]
