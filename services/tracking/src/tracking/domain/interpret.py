"""From one message to its outcome: read, looked up, decided. The heart of `/v1`."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from shared_schemas import ids

from .case import Arrival, Case, open_case
from .conversions import tracked
from .fields import Fields
from .message import read_fields
from .outcome import Contact, Dropped, Outcome, Refused, Result
from .people import identified, viewed
from .wire import Body


class Kind(StrEnum):
    """The calls that are recorded."""

    IDENTIFY = "identify"
    TRACK = "track"
    PAGE = "page"


_RECORDED = {kind.value: kind for kind in Kind}
_NOT_RECORDED = frozenset(("alias", "group", "screen"))


def kind_of(raw: Fields) -> Kind:
    """What a batch's message is. Raises Dropped for a call that is not recorded here."""
    named = raw.get("type")
    if isinstance(named, str):
        if named in _RECORDED:
            return _RECORDED[named]
        if named in _NOT_RECORDED:
            raise Dropped("not_recorded", f"{named} calls are not recorded here")
    raise Refused("invalid_type", "type is none of identify, track, page")


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
    try:
        message = read_fields(raw, beside, sent_at)
        event_id = ids.door_event_id(arrival.key.source, message.message_id or fresh_id)
        case = open_case(message, arrival, event_id)
        event, contact = _decided(case, kind)
    except Dropped as dropped:
        return Outcome.of_drop(dropped, event_id)
    return Outcome(
        result=Result.WARNING if case.warnings else Result.OK,
        event_id=event_id,
        code="changed" if case.warnings else "",
        detail="; ".join(case.warnings),
        event=event,
        contact=contact,
    )


def _decided(case: Case, kind: Kind) -> tuple[Body, Contact | None]:
    if kind is Kind.TRACK:
        return tracked(case), None
    if kind is Kind.PAGE:
        return viewed(case), None
    return identified(case)
