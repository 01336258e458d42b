"""An event as the hub keeps it: a revision of something, and whom it concerns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared_schemas.event import EventData
from shared_schemas.events import attribution as a
from shared_schemas.events import fraud as f
from shared_schemas.events import notifications as n
from shared_schemas.events import parked as k
from shared_schemas.events import partners as pa
from shared_schemas.events import programs as p
from shared_schemas.events import rewards as r
from shared_schemas.states import ParkedState

_VERDICTS_PER_CREDIT = 1_000_000
_EPOCH = datetime.fromtimestamp(0, UTC)
_TICK = timedelta(microseconds=1)
_SAMPLED = frozenset("13579bdf")  # the last digit of a traceparent


@dataclass(frozen=True, slots=True)
class Step:
    """One revision of one thing. `body` is the event's own JSON; `trace_id` is None unless the
    trace is recorded."""

    kind: str
    id: str
    revision: int
    type: str
    at: datetime
    body: str
    state: str | None
    conversion_id: str | None
    participant_ids: tuple[str, ...]
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an event belongs."""

    kind: str
    id: str
    revision: int
    conversion_id: str | None = None
    participant_ids: tuple[str, ...] = ()


def step_of(data: EventData, *, at: datetime, traceparent: str | None) -> Step:
    """The step that an event is. Raises LookupError for an event that the hub does not hear."""
    place = _place(data)
    return Step(
        place.kind,
        place.id,
        place.revision,
        data.TYPE,
        at,
        data.to_json().decode(),
        _state(data),
        place.conversion_id,
        place.participant_ids,
        traceparent[3:35] if traceparent and traceparent[-1] in _SAMPLED else None,
    )


def _state(data: Any) -> str | None:
    """What lists are filtered by."""
    if isinstance(data, k.EventParked):
        return str(ParkedState.PARKED)
    for name in ("state", "stage", "outcome"):
        if (found := getattr(data, name, None)) is not None:
            return str(found)
    return None


def _place(data: Any) -> _Place:
    for model, place in _PLACES.items():
        if isinstance(data, model):
            return place(data)
    raise LookupError(data.TYPE)


def _conversion(data: Any) -> _Place:
    credited = (share.participant_id for share in getattr(data, "shares", ()))
    refused = (item.participant_id for item in data.refused if item.participant_id)
    people = dict.fromkeys((*credited, *refused, data.referee_id))
    return _Place(
        "conversion", data.conversion_id, data.revision, data.conversion_id, tuple(people)
    )


def _verdict(data: f.CreditJudged) -> _Place:
    revision = data.credit_revision * _VERDICTS_PER_CREDIT + data.verdict_revision
    return _Place("verdict", data.conversion_id, revision, data.conversion_id)


def _reward(data: r.RewardChanged) -> _Place:
    concerned = dict.fromkeys((data.participant_id, data.beneficiary_id))
    return _Place("reward", data.reward_id, data.revision, data.conversion_id, tuple(concerned))


def _parked(data: Any) -> _Place:
    """An event may be parked again after its release: what was said last is how it stands."""
    name = f"{data.consumer}/{data.ce_source}/{data.ce_id}"
    return _Place("parked", name, (data.at - _EPOCH) // _TICK)


def _status(data: p.ProgramStatusChanged) -> _Place:
    return _Place("program_status", data.program_id, data.revision)


_PLACES: Mapping[type, Callable[[Any], _Place]] = {
    a.ReferralOpened: lambda d: _Place(
        "referral", d.referral_id, d.revision, None, (d.participant_id,)
    ),
    a.ConversionDecided: _conversion,
    a.TouchesCounted: lambda d: _Place("counts", d.bucket, d.revision),
    f.CreditJudged: _verdict,
    r.RewardChanged: _reward,
    r.PayoutChanged: lambda d: _Place(
        "payout", d.payout_id, d.revision, d.conversion_id, (d.beneficiary_id,)
    ),
    n.MessageChanged: lambda d: _Place(
        "message", d.delivery_id, d.revision, d.conversion_id, (d.subject,)
    ),
    n.PreferenceChanged: lambda d: _Place("preference", d.subject, d.revision, None, (d.subject,)),
    pa.PartnerOnboarded: lambda d: _Place(
        "partner", d.partner_id, d.revision, None, (d.participant_id,)
    ),
    k.EventParked: _parked,
    k.EventReleased: _parked,
    p.ParticipantEnrolled: lambda d: _Place(
        "participant", d.participant_id, d.revision, None, (d.participant_id,)
    ),
    p.LinkIssued: lambda d: _Place(
        "link", d.code, d.revision, None, (d.history[-1].participant_id,)
    ),
    p.ProgramVersionActivated: lambda d: _Place("program", d.program_id, d.version),
    p.AttributionPolicyActivated: lambda d: _Place("market", d.market_id, d.version),
    p.ProgramStatusChanged: _status,
}
