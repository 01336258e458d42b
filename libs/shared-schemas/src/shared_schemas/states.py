"""The states of everything that has a life cycle, with the only transitions there are.

Each waiting state names its owner (who moves it on), what it waits for, and its exit on silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar


class LinkState(StrEnum):
    """A link's life."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ReferralStage(StrEnum):
    """How far a referral has come; CRM records and conversions move it."""

    OPENED = "opened"
    SUBMITTED = "submitted"
    CONTACTED = "contacted"
    QUALIFIED = "qualified"
    OPPORTUNITY = "opportunity"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"


class ConversionState(StrEnum):
    """What attribution has decided of a conversion."""

    UNCONFIRMED = "unconfirmed"  # reported with a publishable key only
    UNATTRIBUTED = "unattributed"
    CREDITED = "credited"
    REVERSED = "reversed"
    LAPSED = "lapsed"  # nobody trusted confirmed it in time


class VerdictState(StrEnum):
    """What fraud has decided of one revision of a credit."""

    CLEARED = "cleared"
    HELD = "held"
    REJECTED = "rejected"


class RewardState(StrEnum):
    """A reward's life, from hold to payment and back."""

    PENDING = "pending"
    HELD = "held"
    APPROVED = "approved"
    FULFILLING = "fulfilling"
    FULFILLED = "fulfilled"
    DECLINED = "declined"
    EXPIRED = "expired"
    CLAWED_BACK = "clawed_back"


class PayoutState(StrEnum):
    """One payout: intent first, then the provider's answer; unknown until it has been asked."""

    REQUESTED = "requested"
    UNKNOWN = "unknown"
    SETTLED = "settled"
    FAILED = "failed"


class MessageState(StrEnum):
    """One delivery to one recipient on one channel."""

    DUE = "due"
    SENT = "sent"
    UNKNOWN = "unknown"  # a crash fell into the send window
    FAILED = "failed"


class ParkedState(StrEnum):
    """A parked event waits for an operator."""

    PARKED = "parked"
    RELEASED = "released"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who owns a waiting state, what it waits for, and what happens if nothing comes."""

    owner: str
    waits_for: str
    due: str
    on_silence: str


Transitions = Mapping[StrEnum, frozenset[StrEnum]]
_S = TypeVar("_S", bound=StrEnum)


def _table(rows: Mapping[_S, tuple[_S, ...]]) -> Transitions:
    return {state: frozenset(following) for state, following in rows.items()}


_R, _W, _P = RewardState, ReferralStage, PayoutState

TRANSITIONS: Mapping[type[StrEnum], Transitions] = {
    LinkState: _table(
        {
            LinkState.ACTIVE: (LinkState.EXPIRED, LinkState.REVOKED),
            LinkState.EXPIRED: (LinkState.REVOKED,),
            LinkState.REVOKED: (),
        }
    ),
    # Sales staff skip steps and correct themselves, and evidence may be taken away again: any open
    # stage may follow any other.
    ReferralStage: _table(
        {
            stage: tuple(s for s in ReferralStage if s != stage)
            for stage in ReferralStage
            if stage != _W.CLOSED
        }
        | {_W.CLOSED: ()}
    ),
    ConversionState: _table(
        {
            ConversionState.UNCONFIRMED: (
                ConversionState.CREDITED,
                ConversionState.UNATTRIBUTED,
                ConversionState.REVERSED,
                ConversionState.LAPSED,
            ),
            ConversionState.UNATTRIBUTED: (ConversionState.CREDITED, ConversionState.REVERSED),
            ConversionState.CREDITED: (ConversionState.UNATTRIBUTED, ConversionState.REVERSED),
            # A report that is canonically earlier may raise the amount above what was refunded.
            ConversionState.REVERSED: (ConversionState.CREDITED, ConversionState.UNATTRIBUTED),
            ConversionState.LAPSED: (
                ConversionState.CREDITED,
                ConversionState.UNATTRIBUTED,
                ConversionState.REVERSED,
            ),
        }
    ),
    # A new revision, identity link or review may change any verdict.
    VerdictState: _table(
        {state: tuple(s for s in VerdictState if s != state) for state in VerdictState}
    ),
    RewardState: _table(
        {
            _R.PENDING: (_R.HELD, _R.APPROVED, _R.DECLINED, _R.EXPIRED),
            _R.HELD: (_R.PENDING, _R.APPROVED, _R.DECLINED, _R.EXPIRED),
            _R.APPROVED: (_R.FULFILLING, _R.CLAWED_BACK, _R.EXPIRED),
            _R.FULFILLING: (_R.FULFILLED, _R.APPROVED, _R.CLAWED_BACK),
            _R.FULFILLED: (_R.CLAWED_BACK,),
            _R.DECLINED: (_R.PENDING, _R.HELD),
            _R.EXPIRED: (),
            _R.CLAWED_BACK: (),
        }
    ),
    PayoutState: _table(
        {
            _P.REQUESTED: (_P.SETTLED, _P.FAILED, _P.UNKNOWN),
            _P.UNKNOWN: (_P.SETTLED, _P.FAILED),
            _P.SETTLED: (),
            _P.FAILED: (),
        }
    ),
    MessageState: _table(
        {
            MessageState.DUE: (MessageState.SENT, MessageState.UNKNOWN, MessageState.FAILED),
            MessageState.UNKNOWN: (MessageState.SENT, MessageState.FAILED),
            MessageState.SENT: (),
            MessageState.FAILED: (),
        }
    ),
    ParkedState: _table(
        {
            ParkedState.PARKED: (ParkedState.RELEASED, ParkedState.DISCARDED),
            ParkedState.RELEASED: (),
            ParkedState.DISCARDED: (),
        }
    ),
}

WAITING: Mapping[StrEnum, Waiting] = {
    LinkState.ACTIVE: Waiting("programs", "use or revocation", "expires_at", "expired"),
    ReferralStage.OPENED: Waiting("attribution", "a lead, sale or CRM change", "window", "closed"),
    ConversionState.UNCONFIRMED: Waiting(
        "attribution", "a trusted report", "expires_at of the market's policy", "lapsed"
    ),
    VerdictState.HELD: Waiting("fraud", "a review", "review_due_at", "stays held, reviewer told"),
    RewardState.PENDING: Waiting(
        "rewards", "the hold's end", "hold_ends_at", "held as verdict_missing"
    ),
    RewardState.HELD: Waiting("rewards", "a verdict", "expires_at", "expired"),
    RewardState.APPROVED: Waiting("rewards", "the payout's intent", "at once", "retried"),
    RewardState.FULFILLING: Waiting("rewards", "the rail's answer", "reconcile_at", "asked again"),
    PayoutState.REQUESTED: Waiting("rewards", "the rail's answer", "deadline", "unknown"),
    PayoutState.UNKNOWN: Waiting("rewards", "the provider's word", "reconcile_at", "asked again"),
    MessageState.DUE: Waiting("notifications", "the channel", "next attempt", "failed"),
    MessageState.UNKNOWN: Waiting(
        "notifications", "an operator or the channel's word", "reconcile_at", "stays unknown"
    ),
    ParkedState.PARKED: Waiting("operator", "release or discard", "never", "stays, alarmed"),
}


class IllegalTransition(ValueError):
    """A life cycle was asked to do what its table forbids: a bug of ours, never an input error."""


def check_transition(before: StrEnum, after: StrEnum) -> None:
    """Raise IllegalTransition unless `before` may become `after` (or is it already)."""
    if before != after and after not in TRANSITIONS[type(before)][before]:
        raise IllegalTransition(f"{type(before).__name__}: {before} cannot become {after}")
