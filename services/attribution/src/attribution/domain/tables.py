"""What table topics say, as entries of the book; and the book that entries make."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct
from shared_schemas.event import EventData
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    LinkIssued,
    LinkRevoked,
    ParticipantChanged,
    ParticipantDeactivated,
    ParticipantEnrolled,
    ProgramEnded,
    ProgramPaused,
    ProgramResumed,
    ProgramVersionActivated,
)

from .book import (
    Book,
    Link,
    Participant,
    Period,
    Policy,
    Program,
    ProgramStatus,
    ProgramVersion,
    link_needs,
)


class Entry(NamedTuple):
    """One revision of a fact: its key (`link/<code>`), its part, the event that told it."""

    key: str
    part: str
    revision: int
    heard_at: datetime
    event_type: str
    body: str


class Said(Struct, frozen=True):
    """An entry with what it refers to, and since when it matters; None is always."""

    entry: Entry
    needs: tuple[str, ...] = ()
    effective_at: datetime | None = None


def said(data: EventData, heard_at: datetime) -> Said:
    """A table event as an entry. Raises KeyError for a type that is none."""
    kind = _KINDS[type(data)]
    name, revision = kind.id_of(data)
    body = data.to_json().decode()
    entry = Entry(f"{kind.prefix}/{name}", kind.part, revision, heard_at, data.TYPE, body)
    needs = link_needs(_link(data, heard_at)) if isinstance(data, LinkIssued) else ()
    return Said(entry, needs, getattr(data, "effective_at", None))


def book_of(entries: Iterable[Entry]) -> Book:
    """The book of entries, which come ordered by (key, part, revision)."""
    found: dict[str, dict[str, list[Any]]] = {
        part: {} for part in ("link", "participant", "market", "version", "status")
    }
    for entry in entries:
        kind, _, name = entry.key.partition("/")
        part = kind if entry.part == "state" else entry.part
        value = _value(entry.event_type, entry.heard_at, entry.body)
        found[part].setdefault(name, []).append(value)
    versions, statuses = found["version"], found["status"]
    programs = {
        name: Program(tuple(versions.get(name, ())), tuple(statuses.get(name, ())))
        for name in versions.keys() | statuses.keys()
    }
    return Book(found["link"], found["participant"], programs, found["market"])


@lru_cache(maxsize=8_192)
def _value(event_type: str, heard_at: datetime, body: str) -> object:
    """A revision never changes, so it is parsed once."""
    model = _MODELS[event_type]
    return _KINDS[model].read(model.model_validate_json(body), heard_at)


def _link(data: LinkIssued, heard_at: datetime) -> Link:
    return Link(
        code=data.code,
        revision=data.revision,
        heard_at=heard_at,
        program_id=data.program_id,
        market_id=data.market_id,
        expires_at=data.expires_at,
        revoked_at=data.revoked_at if isinstance(data, LinkRevoked) else None,
        owners=tuple((period.from_at, period.participant_id) for period in data.history),
    )


def _participant(data: ParticipantEnrolled, heard_at: datetime) -> Participant:
    return Participant(
        participant_id=data.participant_id,
        revision=data.revision,
        heard_at=heard_at,
        periods=tuple(
            Period(from_at=period.from_at, group=period.group, active=period.active)
            for period in data.history
        ),
    )


def _version(data: ProgramVersionActivated, heard_at: datetime) -> ProgramVersion:
    return ProgramVersion(version=data.version, heard_at=heard_at, effective_at=data.effective_at)


_STATUSES = {ProgramPaused: "paused", ProgramResumed: "active", ProgramEnded: "ended"}


def _status(data: ProgramPaused | ProgramResumed | ProgramEnded, heard_at: datetime) -> Any:
    return ProgramStatus(
        revision=data.revision,
        heard_at=heard_at,
        effective_at=data.effective_at,
        status=_STATUSES[type(data)],
    )


def _policy(data: AttributionPolicyActivated, heard_at: datetime) -> Policy:
    return Policy(
        version=data.version,
        heard_at=heard_at,
        effective_at=data.effective_at,
        model=data.model,
        windows={window.group: window.seconds for window in data.windows},
        grace_seconds=data.grace_seconds,
        collapse_repeats_seconds=data.collapse_repeats_seconds,
        unconfirmed_seconds=data.unconfirmed_seconds,
    )


class _Kind(Struct, frozen=True):
    prefix: str
    part: str
    id_of: Callable[[Any], tuple[str, int]]
    read: Callable[[Any, datetime], object]


_LINK = _Kind("link", "state", lambda d: (d.code, d.revision), _link)
_PARTICIPANT = _Kind("participant", "state", lambda d: (d.participant_id, d.revision), _participant)
_VERSION = _Kind("program", "version", lambda d: (d.program_id, d.version), _version)
_STATUS = _Kind("program", "status", lambda d: (d.program_id, d.revision), _status)
_POLICY = _Kind("market", "state", lambda d: (d.market_id, d.version), _policy)

_KINDS: Mapping[type[EventData], _Kind] = {
    LinkIssued: _LINK,
    LinkRevoked: _LINK,
    ParticipantEnrolled: _PARTICIPANT,
    ParticipantChanged: _PARTICIPANT,
    ParticipantDeactivated: _PARTICIPANT,
    ProgramVersionActivated: _VERSION,
    ProgramPaused: _STATUS,
    ProgramResumed: _STATUS,
    ProgramEnded: _STATUS,
    AttributionPolicyActivated: _POLICY,
}
_MODELS = {model.TYPE: model for model in _KINDS}
TABLES: tuple[type[EventData], ...] = tuple(_KINDS)
