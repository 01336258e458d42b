"""From one message to its outcome: read, looked up, decided. The heart of `/v1`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from shared_schemas import ids

from .case import Arrival, Case, open_case
from .conversions import tracked
from .fields import Fields
from .message import Message, read_alias, read_fields, read_group
from .native import read_claim, read_conversion, read_lead, read_optout, read_reversal
from .outcome import Decided, Dropped, Outcome, Refused, Result
from .people import aliased, grouped, identified, viewed
from .reports import claimed, converted, led, opted_out, taken_back


class Kind(StrEnum):
    """The calls: Segment's, then our own."""

    IDENTIFY = "identify"
    TRACK = "track"
    PAGE = "page"
    SCREEN = "screen"
    GROUP = "group"
    ALIAS = "alias"
    CONVERSION = "conversion"
    REVERSAL = "reversal"
    LEAD = "lead"
    CLAIM = "claim"
    OPTOUT = "optout"


class _Call(NamedTuple):
    read: Callable[[Fields, Fields, datetime | None], Message]
    decide: Callable[[Case], Decided]


_CALLS: Mapping[Kind, _Call] = {
    Kind.IDENTIFY: _Call(read_fields, identified),
    Kind.TRACK: _Call(read_fields, tracked),
    Kind.PAGE: _Call(read_fields, viewed),
    Kind.SCREEN: _Call(read_fields, viewed),
    Kind.GROUP: _Call(read_group, grouped),
    Kind.ALIAS: _Call(read_alias, aliased),
    Kind.CONVERSION: _Call(read_conversion, converted),
    Kind.REVERSAL: _Call(read_reversal, taken_back),
    Kind.LEAD: _Call(read_lead, led),
    Kind.CLAIM: _Call(read_claim, claimed),
    Kind.OPTOUT: _Call(read_optout, opted_out),
}
SEGMENT_KINDS = (Kind.IDENTIFY, Kind.TRACK, Kind.PAGE, Kind.SCREEN, Kind.GROUP, Kind.ALIAS)
_IN_BATCHES = {kind.value: kind for kind in SEGMENT_KINDS}


def kind_of(raw: Fields) -> Kind:
    """What a batch's message is: one of Segment's calls. Raises Refused."""
    named = raw.get("type")
    if isinstance(named, str) and named in _IN_BATCHES:
        return _IN_BATCHES[named]
    raise Refused("invalid_type", f"type is none of {', '.join(_IN_BATCHES)}")


def interpret(
    raw: Fields,
    kind: Kind,
    arrival: Arrival,
    *,
    fresh_id: str,
    beside: Mapping[str, object],
    sent_at: datetime | None = None,
) -> Outcome:
    """The outcome of one message; never raises for anything that a client may send.

    `fresh_id` stands in for an absent messageId, and then the message is not idempotent.
    """
    event_id: str | None = None
    call = _CALLS[kind]
    try:
        message = call.read(raw, beside, sent_at)
        event_id = ids.door_event_id(arrival.key.source, message.message_id or fresh_id)
        case = open_case(message, arrival, event_id)
        decided = call.decide(case)
    except Dropped as dropped:
        return Outcome.of_drop(dropped, event_id)
    return Outcome(
        result=Result.WARNING if case.warnings else Result.OK,
        event_id=event_id,
        code="changed" if case.warnings else "",
        detail="; ".join(case.warnings),
        event=decided.event,
        more=decided.more,
        contact=decided.contact,
    )
