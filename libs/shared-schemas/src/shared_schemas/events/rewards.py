"""The reward events that other teams subscribe to, and the payouts behind them."""

from typing import Annotated, ClassVar

from pydantic import Field

from ..event import EventData, Id, Instant, Text
from ..money import CurrencyCode, Minor
from ..states import PayoutState, RewardState
from ..words import Group, Rail, RewardKind, Side, Trigger


class RewardChanged(EventData):
    """A reward's whole state. Amounts are cumulative minor units; a statement sums them.

    `pending_minor`, `approved_minor`, `paid_minor`, `reversed_minor` and `netted_minor` say how
    much has ever entered that stage less what left it backwards; `amount_minor` is what the reward
    is worth now.
    """

    reward_id: Id
    revision: Annotated[int, Field(ge=1)]
    state: RewardState
    beneficiary_id: Id
    side: Side
    participant_id: Id = Field(description="whose referral it was, also for the referee's side")
    group: Group
    conversion_id: Id
    credit_revision: Annotated[int, Field(ge=1)]
    referral_id: Id
    program_id: Id
    program_version: Annotated[int, Field(ge=1)]
    rule_name: Id
    trigger: Trigger
    kind: RewardKind
    rail: Rail
    market_id: Id
    amount_minor: Minor
    pending_minor: Minor = 0
    approved_minor: Minor = 0
    paid_minor: Minor = 0
    reversed_minor: Minor = 0
    netted_minor: Minor = 0
    currency: CurrencyCode
    digits: Annotated[int, Field(ge=0, le=4)]
    occurred_at: Instant
    hold_ends_at: Instant
    posted_at: Instant
    transfer_ids: tuple[Id, ...] = ()
    payout_id: Id | None = None
    reason: Text
    explanation: tuple[Text, ...] = ()
    next_step: Text
    next_at: Instant | None = None


class RewardPending(RewardChanged):
    """Earned, and waiting for its hold to end."""

    TYPE: ClassVar[str] = "reward.pending.v1"


class RewardHeld(RewardChanged):
    """Its hold ended, but something keeps it: the reason says what."""

    TYPE: ClassVar[str] = "reward.held.v1"


class RewardApproved(RewardChanged):
    """Owed to the beneficiary."""

    TYPE: ClassVar[str] = "reward.approved.v1"


class RewardFulfilling(RewardChanged):
    """A payout is on its way."""

    TYPE: ClassVar[str] = "reward.fulfilling.v1"


class RewardFulfilled(RewardChanged):
    """Paid."""

    TYPE: ClassVar[str] = "reward.fulfilled.v1"


class RewardDeclined(RewardChanged):
    """Not earned after all; nothing was owed."""

    TYPE: ClassVar[str] = "reward.declined.v1"


class RewardExpired(RewardChanged):
    """Waited too long."""

    TYPE: ClassVar[str] = "reward.expired.v1"


class RewardRevised(RewardChanged):
    """Worth something else than before, in the same state."""

    TYPE: ClassVar[str] = "reward.revised.v1"


class RewardClawedBack(RewardChanged):
    """Taken back after approval or payment."""

    TYPE: ClassVar[str] = "reward.clawed_back.v1"


class PayoutChanged(EventData):
    """One payout's whole state; `payout_id` is the provider's idempotency key."""

    payout_id: Id
    revision: Annotated[int, Field(ge=1)]
    state: PayoutState
    reward_id: Id
    conversion_id: Id
    beneficiary_id: Id
    rail: Rail
    amount_minor: Minor
    currency: CurrencyCode
    provider_reference: Id | None = None
    reason: Text = ""
    changed_at: Instant


class PayoutRequested(PayoutChanged):
    """The intent to pay, committed before anybody is asked."""

    TYPE: ClassVar[str] = "payout.requested.v1"


class PayoutUnknown(PayoutChanged):
    """The provider did not answer in time; it will be asked, never paid anew."""

    TYPE: ClassVar[str] = "payout.unknown.v1"


class PayoutSettled(PayoutChanged):
    """The provider paid."""

    TYPE: ClassVar[str] = "payout.settled.v1"


class PayoutFailed(PayoutChanged):
    """The provider refused for good."""

    TYPE: ClassVar[str] = "payout.failed.v1"
