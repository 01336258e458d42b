"""The plain words of a decision: why it is so, and what happens next."""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum

from shared_schemas.states import ConversionState
from shared_schemas.words import TouchKind

from .judging import Exhibit


class Occasion(IntEnum):
    """What made us decide (again). Of several the first names the reason."""

    REPORT = 0
    REFUND = 1
    CONSENT = 2
    IDENTITY = 3
    TOUCH = 4
    RECORD = 5
    POLICY = 6
    SILENCE = 7


_SAID = {
    Occasion.REPORT: "Another report",
    Occasion.REFUND: "A refund",
    Occasion.CONSENT: "A refusal of consent",
    Occasion.IDENTITY: "A change of identity",
    Occasion.TOUCH: "A late touch",
    Occasion.RECORD: "A CRM record",
    Occasion.POLICY: "A change of policy, program, participant or link",
    Occasion.SILENCE: "Nobody confirmed it",
}


def occasion_words(occasion: Occasion, *, first: bool) -> str:
    """How a reason begins; the first decision follows from the first report."""
    return "First report" if first else _SAID[occasion]


def referral_words(occasion: Occasion) -> str:
    """Why a referral advanced."""
    return "A conversion" if occasion is Occasion.REPORT else _SAID[occasion]


def opening_words(origin: TouchKind) -> str:
    """Why a referral opened."""
    return _OPENED_BY[origin]


_OPENED_BY = {
    TouchKind.CLICK: "Somebody known followed a link",
    TouchKind.SHARE_VIEW: "Somebody known followed a shared link",
    TouchKind.CODE: "A code was given",
    TouchKind.LEAD: "A lead was submitted",
}


def why(counted: int, refused: Sequence[Exhibit], ignored_refunds: int) -> str:
    """What the touches add up to. `refused` is in order of time."""
    total = counted + len(refused)
    if counted:
        reason = f"{counted} of {total} touches {'counts' if counted == 1 else 'count'}"
    elif refused:
        reason = f"none of {total} touches counts; of the last, {refused[-1].why}"
    else:
        reason = "no touch of a participant was found"
    if ignored_refunds:
        reason += f"; {ignored_refunds} refund(s) in another currency do not count"
    return reason


def unconfirmed_words(expires_at: datetime, *, lapsed: bool) -> tuple[str, str]:
    """The reason and next step of a conversion that nobody trusted has told of."""
    if lapsed:
        return (
            f"nobody trusted confirmed it until {said(expires_at)}",
            "Nothing follows, unless a report by a secret key or the CRM still comes.",
        )
    return (
        "only a publishable key has told of it, which anybody may use",
        f"A report by a secret key or the CRM until {said(expires_at)} confirms it.",
    )


def next_step(state: ConversionState, grace_ends_at: datetime) -> str:
    """What may still happen to a trusted conversion."""
    until = said(grace_ends_at)
    if state is ConversionState.CREDITED:
        return (
            f"Touches heard until {until} may still change it; "
            "refunds and changes of identity always."
        )
    if state is ConversionState.REVERSED:
        return "Nothing follows: all of it was taken back."
    return f"A touch heard until {until} may still be credited."


def said(moment: datetime) -> str:
    """A time as people read it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
