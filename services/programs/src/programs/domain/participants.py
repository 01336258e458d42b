"""Decides on participants: who they are, and what was true of them from when on."""

import json
from collections.abc import Mapping

from shared_schemas.events.programs import (
    ParticipantChanged,
    ParticipantDeactivated,
    ParticipantEnrolled,
    ParticipantPeriod,
)
from shared_schemas.matching import email_hash, keyed_hash

from .change import Change, Difference, Kind, created, differences
from .organisation import Participant
from .state import ParticipantState
from .terms import Terms

_TOLD_APART = frozenset({"revision", "history", "email_hash", "reason"})


def decide_participant(
    known: ParticipantState | None,
    wanted: Participant,
    language: str,
    terms: Terms,
) -> Change | None:
    """The participant as the document wants it, None if it is so.

    What the document leaves out (e-mail, name, whether active) stays. `language` is the market's.
    """
    event = _participant(known, wanted, language, terms)
    contact, digest = _contact(known, wanted, terms)
    said = _said(known, event)
    if contact is not None and known is not None:
        said = (*said, Difference(f"participant {wanted.id}: contact", "sealed", "another"))
    if not said:
        return None
    return Change(
        kind=Kind.PARTICIPANT,
        id=wanted.id,
        cause_id=f"participant/{wanted.id}/{event.revision}",
        event=event,
        differences=said,
        reason=terms.reason,
        contact=contact,
        contact_digest=digest,
    )


def forget_participant(known: ParticipantState, terms: Terms) -> Change | None:
    """Without what could recognise its mailbox; None if nothing of that is known."""
    if known.data.email_hash is None and known.contact_digest is None:
        return None
    kept = known.data.model_dump(exclude={"revision", "email_hash", "reason"})
    event = ParticipantChanged(**kept, revision=known.data.revision + 1)
    name = known.data.participant_id
    return Change(
        kind=Kind.PARTICIPANT,
        id=name,
        cause_id=f"participant/{name}/{event.revision}",
        event=event,
        differences=(Difference(f"participant {name}: contact", "sealed", "forgotten"),),
        reason="forgotten on request",
    )


def history_after(
    history: tuple[ParticipantPeriod, ...], period: ParticipantPeriod
) -> tuple[ParticipantPeriod, ...]:
    """The history with a new period, if it differs from the last; time never runs backwards."""
    if not history:
        return (period,)
    last = history[-1]
    if last.model_copy(update={"from_at": period.from_at}) == period:
        return history
    if period.from_at <= last.from_at:
        return (*history[:-1], period.model_copy(update={"from_at": last.from_at}))
    return (*history, period)


def _participant(
    known: ParticipantState | None,
    wanted: Participant,
    language: str,
    terms: Terms,
) -> ParticipantEnrolled:
    was_active = known.active if known else True
    active = was_active if wanted.active is None else wanted.active
    period = ParticipantPeriod(
        from_at=terms.now,
        group=wanted.group,
        market_id=wanted.market,
        tier=wanted.tier,
        active=active,
    )
    facts: dict[str, object] = {
        "participant_id": wanted.id,
        "revision": known.data.revision + 1 if known else 1,
        "language": wanted.language or language,
        "customer_id": wanted.customer_id,
        "account_id": wanted.account_id,
        "email_hash": _email_hash(known, wanted, terms),
        "history": history_after(known.data.history if known else (), period),
    }
    if known is None:
        return ParticipantEnrolled.model_validate(facts)
    if was_active and not active:
        return ParticipantDeactivated.model_validate(facts | {"reason": terms.reason})
    return ParticipantChanged.model_validate(facts)


def _email_hash(known: ParticipantState | None, wanted: Participant, terms: Terms) -> str | None:
    if wanted.email is not None:
        return email_hash(terms.match_key, wanted.email)
    return known.data.email_hash if known else None


def _contact(
    known: ParticipantState | None, wanted: Participant, terms: Terms
) -> tuple[Mapping[str, str] | None, str | None]:
    """What is to be sealed, if it differs from what was, and its digest."""
    before = known.contact_digest if known else None
    if wanted.email is None:
        return None, before
    contact = {"email": wanted.email} | ({"name": wanted.name} if wanted.name else {})
    digest = keyed_hash(terms.match_key, "contact", json.dumps(contact, sort_keys=True))
    return (None, before) if digest == before else (contact, digest)


def _said(known: ParticipantState | None, event: ParticipantEnrolled) -> tuple[Difference, ...]:
    what = f"participant {event.participant_id}"
    now = event.history[-1]
    if known is None:
        return created(what, f"{now.group}, market {now.market_id}, tier {now.tier}")
    before = known.data.history[-1]
    said = differences(what, known.data, event, _TOLD_APART)
    said += differences(what, before, now, frozenset({"from_at"}))
    if known.data.email_hash != event.email_hash:
        said += (Difference(f"{what}: e-mail", "sealed", "another"),)
    return said
