"""What rewards knows: credits, verdicts, conversions, rewards, payouts. A change is a new value."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from functools import lru_cache

from msgspec import Struct, field
from shared_schemas import ids
from shared_schemas.money import digits_of
from shared_schemas.states import ConversionState, PayoutState, RewardState, VerdictState
from shared_schemas.words import Group, Rail, RewardKind, Side, Trigger

ONE = Fraction(1)


@lru_cache(maxsize=1_024)
def exact(text: str) -> Fraction:
    """The fraction that a text such as `1/3` says."""
    return Fraction(text)


def money_text(amount_minor: int, currency: str) -> str:
    """An amount in plain words: `12.50 EUR`, `1250 JPY`."""
    digits = digits_of(currency)
    if digits == 0:
        return f"{amount_minor} {currency}"
    whole, rest = divmod(amount_minor, 10**digits)
    return f"{whole}.{rest:0{digits}d} {currency}"


class Share(Struct, frozen=True, kw_only=True):
    """One participant's part of a conversion: an exact weight and net minor units."""

    participant_id: str
    group: Group
    program_id: str
    program_version: int
    market_id: str
    referral_id: str
    weight: Fraction
    amount_minor: int

    @property
    def key(self) -> str:
        """Unique in a conversion; sorts by participant, so that ties of a split do too."""
        return f"{self.participant_id}\x1f{self.program_id}"


class Credit(Struct, frozen=True, kw_only=True):
    """The highest revision heard of a conversion's credit; without shares nobody is credited."""

    revision: int
    state: ConversionState
    trigger: Trigger
    amount_minor: int
    refunded_minor: int
    currency: str | None
    referee_id: str
    occurred_at: datetime
    first_reported_at: datetime
    shares: tuple[Share, ...]

    @property
    def net_minor(self) -> int:
        """What is left of the amount after refunds."""
        if self.state is ConversionState.REVERSED:
            return 0
        return max(self.amount_minor - self.refunded_minor, 0)

    @property
    def net_ratio(self) -> Fraction:
        """Net over gross; a conversion without money is whole until it is reversed."""
        if self.state is ConversionState.REVERSED:
            return Fraction(0)
        if self.refunded_minor == 0 or self.amount_minor == 0:
            return ONE
        return Fraction(self.net_minor, self.amount_minor)


class Verdict(Struct, frozen=True, kw_only=True):
    """What fraud says of one credit revision; the highest pair of revisions rules."""

    credit_revision: int
    revision: int
    state: VerdictState
    line: str

    @property
    def pair(self) -> tuple[int, int]:
        """What verdicts are ordered by."""
        return (self.credit_revision, self.revision)


class Conversion(Struct, frozen=True, kw_only=True):
    """Where credits, verdicts and the hold meet. Its rewards freeze together.

    `frozen_minor`, `frozen_refunded_minor` and `frozen_currency` are the amount and refunds that
    approval looked at.
    """

    conversion_id: str
    credit: Credit | None = None
    verdict: Verdict | None = None
    hold_ends_at: datetime | None = None
    hold_ended_at: datetime | None = None
    expires_at: datetime | None = None
    resolved_at: datetime | None = None
    frozen_minor: int = 0
    frozen_refunded_minor: int = 0
    frozen_currency: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether its rewards may still change with its credit."""
        return self.resolved_at is None

    @property
    def is_overdue(self) -> bool:
        """Whether its hold has ended and something still keeps it."""
        return self.hold_ended_at is not None and self.resolved_at is None

    def ruling(self) -> VerdictState | None:
        """The verdict on the current credit; one on another revision says nothing about it."""
        if self.verdict is None or self.credit is None:
            return None
        if self.verdict.credit_revision != self.credit.revision:
            return None
        return self.verdict.state


class Terms(Struct, frozen=True, kw_only=True):
    """What a reward is for. `zone` is the market's IANA zone, `limit_ids` the caps it counts in."""

    reward_id: str
    beneficiary_id: str
    side: Side
    participant_id: str
    group: Group
    conversion_id: str
    referral_id: str
    program_id: str
    program_version: int
    rule_name: str
    trigger: Trigger
    kind: RewardKind
    rail: Rail
    market_id: str
    zone: str
    currency: str
    occurred_at: datetime
    limit_ids: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[datetime, str, str]:
        """The canonical order in which rewards count against a cap."""
        return (self.occurred_at, self.conversion_id, self.reward_id)


class Reward(Struct, frozen=True, kw_only=True):
    """A reward's whole state. The amounts are cumulative minor units and follow from transfers.

    `amount_minor` is what it is worth now, `basis_minor` what was approved; `available_minor` and
    `clearing_minor` are its parts of the beneficiary's available and the rail's clearing account.
    """

    terms: Terms
    revision: int = 0
    state: RewardState = RewardState.PENDING
    credit_revision: int
    hold_ends_at: datetime
    amount_minor: int = 0
    basis_minor: int = 0
    pending_minor: int = 0
    approved_minor: int = 0
    paid_minor: int = 0
    reversed_minor: int = 0
    netted_minor: int = 0
    available_minor: int = 0
    clearing_minor: int = 0
    payouts: int = 0
    payout_id: str | None = None
    reason: str = ""
    basis: tuple[str, ...] = ()

    @property
    def reward_id(self) -> str:
        """Its identity."""
        return self.terms.reward_id

    @property
    def waits(self) -> bool:
        """Whether nothing is decided yet."""
        return self.state in (RewardState.PENDING, RewardState.HELD)

    @property
    def counts(self) -> bool:
        """Whether it is owed or paid, and so takes room under its caps."""
        return self.state in (RewardState.APPROVED, RewardState.FULFILLING, RewardState.FULFILLED)

    @property
    def excess_minor(self) -> int:
        """What was approved and is neither worth it any longer nor reversed yet."""
        return self.approved_minor - self.reversed_minor - self.amount_minor

    def text(self, amount_minor: int | None = None) -> str:
        """An amount of its currency, its own by default."""
        amount = self.amount_minor if amount_minor is None else amount_minor
        return money_text(amount, self.terms.currency)


class Payout(Struct, frozen=True, kw_only=True):
    """One attempt to pay; `payout_id` is the provider's idempotency key."""

    payout_id: str
    reward_id: str
    conversion_id: str
    beneficiary_id: str
    rail: Rail
    amount_minor: int
    currency: str
    state: PayoutState = PayoutState.REQUESTED
    revision: int = 1
    attempts: int = 0
    provider_reference: str | None = None
    reason: str = ""
    requested_at: datetime
    changed_at: datetime

    @property
    def was_sent(self) -> bool:
        """Whether the provider may have heard of it."""
        return self.attempts > 0 or self.state is not PayoutState.REQUESTED


class Case(Struct, frozen=True, kw_only=True):
    """One conversion with its rewards and the payouts in flight (by reward)."""

    conversion: Conversion
    rewards: Mapping[str, Reward] = field(default_factory=dict)
    payouts: Mapping[str, Payout] = field(default_factory=dict)

    def in_order(self) -> list[Reward]:
        """Its rewards by id: whoever decides takes them in one order."""
        return [self.rewards[reward_id] for reward_id in sorted(self.rewards)]


def next_payout_id(reward: Reward) -> str:
    """The id of the reward's next payout."""
    return ids.payout_id(reward.reward_id, reward.payouts + 1)
