"""What the API answers."""

from datetime import datetime

from msgspec import Struct


class Step(Struct, frozen=True):
    """One decision about a reward, in the words in which it was taken."""

    revision: int
    event_type: str
    state: str
    amount_minor: int
    decided_at: datetime
    reason: str
    explanation: list[str]
    next_step: str
    next_at: datetime | None
    transfer_ids: list[str]


class Transfer(Struct, frozen=True):
    """One movement of money between two accounts."""

    transfer_id: str
    purpose: str
    amount_minor: int
    currency: str
    posted_at: datetime
    source: str
    target: str


class Payout(Struct, frozen=True):
    """One attempt to pay, by its idempotency key; `next_at` is when the provider is asked next."""

    payout_id: str
    state: str
    rail: str
    amount_minor: int
    currency: str
    attempts: int
    provider_reference: str | None
    reason: str
    requested_at: datetime
    changed_at: datetime
    next_at: datetime


class Conversion(Struct, frozen=True):
    """How far a conversion is: the credit heard, the verdict on it, its hold."""

    conversion_id: str
    credit_revision: int | None
    amount_minor: int | None
    refunded_minor: int | None
    currency: str | None
    verdict_state: str | None
    verdict_line: str | None
    hold_ends_at: datetime | None
    hold_ended_at: datetime | None
    resolved_at: datetime | None


class Reward(Struct, frozen=True):
    """A reward's state; amounts are cumulative minor units of its currency."""

    reward_id: str
    conversion_id: str
    beneficiary_id: str
    side: str
    participant_id: str
    referral_id: str
    program_id: str
    program_version: int
    rule_name: str
    trigger: str
    kind: str
    rail: str
    market_id: str
    currency: str
    occurred_at: datetime
    revision: int
    state: str
    credit_revision: int
    hold_ends_at: datetime
    amount_minor: int
    pending_minor: int
    approved_minor: int
    paid_minor: int
    reversed_minor: int
    netted_minor: int
    payout_id: str | None
    reason: str


class ExplainedReward(Struct, frozen=True):
    """A reward with everything that explains it."""

    reward: Reward
    conversion: Conversion | None
    history: list[Step]
    transfers: list[Transfer]
    payouts: list[Payout]


class ConversionRewards(Struct, frozen=True):
    """A conversion with its rewards."""

    conversion: Conversion
    rewards: list[Reward]


class StatementLine(Struct, frozen=True):
    """A beneficiary's money of one currency and month of the market's zone, from the ledger."""

    currency: str
    month: str
    pending_minor: int
    approved_minor: int
    paid_minor: int
    reversed_minor: int
    netted_minor: int


class Balance(Struct, frozen=True):
    """One account of a beneficiary; a negative receivable is what is owed back."""

    kind: str
    currency: str
    balance_minor: int


class Statement(Struct, frozen=True):
    """A beneficiary's statement; without lines if nothing was ever earned."""

    beneficiary_id: str
    lines: list[StatementLine]
    balances: list[Balance]


class BrokenAccount(Struct, frozen=True):
    """An account whose balance does not follow from its entries, or from its rewards."""

    account_id: str
    problem: str


class BrokenReward(Struct, frozen=True):
    """A reward whose amounts do not follow from its own transfers."""

    reward_id: str
    problem: str


class BrokenLimit(Struct, frozen=True):
    """A limit of a cap whose total is not what its rewards take."""

    limit_id: str
    problem: str


class LedgerCheck(Struct, frozen=True):
    """Whether the books balance: the imbalance by currency, and what does not add up."""

    balanced: bool
    imbalance_minor: dict[str, int]
    broken_accounts: list[BrokenAccount]
    broken_rewards: list[BrokenReward]
    broken_limits: list[BrokenLimit]


class PaidAgain(Struct, frozen=True):
    """The payout that was requested."""

    payout_id: str | None
    state: str
