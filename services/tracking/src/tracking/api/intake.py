"""Takes messages in: each is decided on, all are made durable together, then each is answered."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count
from os import urandom

from msgspec import Struct
from msgspec.structs import replace
from opentelemetry.trace import Span
from service_kit.producer import Record, Unpublishable
from service_kit.telemetry import current_traceparent
from shared_schemas import ids
from shared_schemas.sealed import seal_to_public

from ..domain.bodies import body_hash, read_message
from ..domain.case import Arrival
from ..domain.fields import Fields
from ..domain.interpret import Kind, interpret, kind_of
from ..domain.outcome import Contact, Dropped, IdReused, NotYet, Outcome, Refused
from ..domain.wire import Body, SubmittedContact
from ..store.records import Posting, record_of
from .door import Door, contacts_dropped, messages

_THIS_PROCESS = urandom(16).hex()
_NUMBERS = count()


class Delivery(Struct, frozen=True, kw_only=True):
    """Messages that came together. `kind` is the route's; None: each message names its own."""

    parts: Sequence[object]
    kind: Kind | None
    arrival: Arrival
    beside: Fields
    sent_at: datetime | None = None


class Taken(Struct, frozen=True):
    """One message: its name among the results, its outcome, and what is to be written."""

    name: str
    outcome: Outcome
    body_hash: str = ""
    records: tuple[Record, ...] = ()
    span: Span | None = None


async def take(door: Door, delivery: Delivery) -> dict[str, Outcome]:
    """What became of each message, by messageId, else by its place in the delivery."""
    taken = [_judged(door, delivery, place) for place in range(len(delivery.parts))]
    records = [record for one in taken for record in one.records]
    errors = iter(await door.journal.write(records))
    results: dict[str, Outcome] = {}
    for place, one in enumerate(taken):
        outcome = _settled(door, one, [next(errors) for _ in one.records])
        messages(delivery.kind or "batch", outcome.result.value).inc()
        results[str(place) if one.name in results else one.name] = outcome
    return results


def _judged(door: Door, delivery: Delivery, place: int) -> Taken:
    name = str(place)
    try:
        raw = read_message(delivery.parts[place])
        message_id = raw.get("messageId")
        name = message_id if isinstance(message_id, str) and message_id else name
        kind = delivery.kind or kind_of(raw)
        outcome = interpret(
            raw,
            kind,
            delivery.arrival,
            fresh_id=f"{_THIS_PROCESS}-{next(_NUMBERS)}",
            beside=delivery.beside,
            sent_at=delivery.sent_at,
        )
        hashed = body_hash(raw, kind)
    except Dropped as dropped:
        return Taken(name, Outcome.of_drop(dropped))
    if outcome.event is None or outcome.event_id is None:
        return Taken(name, outcome)
    if door.recent.contradicts(outcome.event_id, hashed):
        reused = IdReused("id_reused", "this id came before with another body")
        return Taken(name, Outcome.of_drop(reused, outcome.event_id))
    span, traceparent = _trace(door, delivery)
    posting = Posting(
        event_id=outcome.event_id,
        source=delivery.arrival.key.source,
        received_at=delivery.arrival.received_at,
        body_hash=hashed,
        traceparent=traceparent,
    )
    try:
        records = (
            record_of(outcome.event, posting),
            *_following(outcome.more, posting),
            *_contact(door, outcome.contact, posting),
        )
    except NotYet as unsealable:
        return Taken(name, Outcome.of_drop(unsealable, outcome.event_id), span=span)
    return Taken(name, outcome, hashed, records, span)


def _following(events: Sequence[Body], posting: Posting) -> Iterator[Record]:
    """The records of a message's further events, each with an id of its own."""
    for n, event in enumerate(events):
        event_id = ids.emitted_event_id(posting.source, posting.event_id, event.TYPE, n)
        yield record_of(event, replace(posting, event_id=event_id, cause_id=posting.event_id))


def _trace(door: Door, delivery: Delivery) -> tuple[Span | None, str | None]:
    """A message alone is its request's trace; each message of a batch begins one of its own."""
    if delivery.kind is not None:
        return None, current_traceparent()
    return door.traces.begin("message")


def _contact(door: Door, contact: Contact | None, posting: Posting) -> tuple[Record, ...]:
    """The contact, sealed to the public key of the day; without one it is not kept at all.

    Raises NotYet for a contact without which the message is worth nothing.
    """
    if contact is None:
        return ()
    key = door.registry.day_key(posting.received_at)
    try:
        sealed = seal_to_public(key.public_key, key.key_id, contact.personal) if key else None
    except (ValueError, TypeError):  # no X25519 key
        sealed = None
    if sealed is None:
        contacts_dropped.inc()
        if contact.needed:
            raise NotYet("unsealable", "no key to seal the contact with is known yet")
        return ()
    event_id = ids.emitted_event_id(posting.source, posting.event_id, SubmittedContact.TYPE, 0)
    submitted = SubmittedContact(
        subject=contact.subject,
        event_id=event_id,
        sealed=sealed,
        language=contact.language,
        submitted_at=posting.received_at,
    )
    return (record_of(submitted, replace(posting, event_id=event_id, cause_id=posting.event_id)),)


def _settled(door: Door, taken: Taken, errors: Sequence[Exception | None]) -> Outcome:
    """The outcome once it is known what is durable."""
    if taken.span is not None:
        taken.span.end()
    outcome = taken.outcome
    failed = [error for error in errors if error is not None]
    if any(isinstance(error, Unpublishable) for error in failed):
        return Outcome.of_drop(Refused("unpublishable", "Kafka refuses it"), outcome.event_id)
    if failed:
        away = NotYet("unacknowledged", "the event is not durable yet; send it again")
        return Outcome.of_drop(away, outcome.event_id)
    if taken.records and outcome.event_id is not None:
        door.recent.remember(outcome.event_id, taken.body_hash)
    return outcome
