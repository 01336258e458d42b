"""What the control plane says, with defaults: markets, programs, participants and their codes."""

from datetime import datetime
from typing import Any

from service_kit.testing import Given, event
from shared_schemas.events import programs as p
from shared_schemas.words import AttributionModel, ConsentMode, Group

from .builders import LONG_AGO, at


def policy(model: AttributionModel = AttributionModel.LAST, **changes: Any) -> Given:
    """A market's policy: 30 days of window, a week of grace."""
    heard = changes.pop("heard", LONG_AGO)
    fields: dict[str, Any] = {
        "market_id": "eu",
        "version": 1,
        "effective_at": LONG_AGO,
        "activated_at": LONG_AGO,
        "currency": "EUR",
        "language": "en",
        "zone": "Europe/Berlin",
        "consent_mode": ConsentMode.OPT_OUT,
        "model": model,
        "windows": (p.Window(seconds=30 * 86_400),),
        "grace_seconds": 7 * 86_400,
        "actor": "council",
    }
    return event(p.AttributionPolicyActivated(**(fields | changes)), at=heard)


def program(program_id: str = "spring", **changes: Any) -> Given:
    """A version of a program."""
    heard = changes.pop("heard", LONG_AGO)
    fields: dict[str, Any] = {
        "program_id": program_id,
        "version": 1,
        "name": program_id,
        "group": Group.CUSTOMER,
        "effective_at": LONG_AGO,
        "activated_at": LONG_AGO,
        "hold_seconds": 14 * 86_400,
        "rewards": (),
        "actor": "council",
    }
    return event(p.ProgramVersionActivated(**(fields | changes)), at=heard)


def paused(minutes: float, program_id: str = "spring", revision: int = 1) -> Given:
    """A program's pause."""
    told = p.ProgramPaused(
        program_id=program_id, revision=revision, effective_at=at(minutes), actor="council"
    )
    return event(told, at=at(minutes))


def participant(participant_id: str, group: Group = Group.CUSTOMER, **changes: Any) -> Given:
    """Somebody who refers."""
    heard = changes.pop("heard", LONG_AGO)
    history = (p.ParticipantPeriod(from_at=LONG_AGO, group=group, market_id="eu"),)
    fields = {
        "participant_id": participant_id,
        "revision": 1,
        "language": "en",
        "history": history,
    }
    return event(p.ParticipantEnrolled(**(fields | changes)), at=heard)


def deactivated(participant_id: str, minutes: float) -> Given:
    """Somebody who refers no more."""
    history = (
        p.ParticipantPeriod(from_at=LONG_AGO, group=Group.CUSTOMER, market_id="eu"),
        p.ParticipantPeriod(
            from_at=at(minutes), group=Group.CUSTOMER, market_id="eu", active=False
        ),
    )
    told = p.ParticipantDeactivated(
        participant_id=participant_id, revision=2, language="en", history=history
    )
    return event(told, at=at(minutes))


def link(code: str, *owners: tuple[datetime, str], **changes: Any) -> Given:
    """A code; by default its owner's name is what stands before the dash."""
    heard = changes.pop("heard", LONG_AGO)
    history = owners or ((LONG_AGO, code.partition("-")[0]),)
    fields: dict[str, Any] = {
        "code": code,
        "revision": 1,
        "program_id": "spring",
        "market_id": "eu",
        "destination": "https://shop.example.com/",
        "issued_at": LONG_AGO,
        "history": tuple(p.LinkPeriod(from_at=f, participant_id=who) for f, who in history),
    }
    fields |= changes
    model = p.LinkRevoked if "revoked_at" in fields else p.LinkIssued
    return event(model(**fields), at=heard)


def control_plane(model: AttributionModel = AttributionModel.LAST, **changes: Any) -> list[Given]:
    """A market, two programs, three participants and their codes."""
    people = [participant(name) for name in ("ann", "bob", "cleo")]
    links = [link("ann-1"), link("ann-2", program_id="autumn"), link("bob-1"), link("cleo-1")]
    return [policy(model, **changes), program(), program("autumn"), *people, *links]
