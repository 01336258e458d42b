"""Values for tests, with defaults: a test says only what matters to it."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from pydantic import SecretStr
from rewards.domain.facts import Facts, Period, Version
from rewards.domain.values import Case, Conversion, Credit, Verdict
from rewards.domain.values import Share as DomainShare
from rewards.settings import RewardsSettings
from shared_schemas.events.programs import (
    Cap,
    Eligibility,
    RewardRule,
)
from shared_schemas.money import Money
from shared_schemas.money import split as split_money
from shared_schemas.states import ConversionState, VerdictState
from shared_schemas.words import (
    CapPer,
    CapPeriod,
    FlatSplit,
    Group,
    Rail,
    Side,
    Trigger,
)

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
HOLD = timedelta(days=30)
HELD = timedelta(days=90)
PAYOUT_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
EUR = "EUR"


def flat_rule(
    amount_minor: int = 1_000,
    *,
    name: str = "flat",
    side: Side = Side.REFERRER,
    currency: str = EUR,
    **more: Any,
) -> RewardRule:
    return RewardRule(
        name=name,
        triggers=(Trigger.PURCHASE, Trigger.SIGNED_UP),
        side=side,
        flat=Money.of(amount_minor, currency),
        **more,
    )


def percentage_rule(fraction: str = "1/10", *, name: str = "part", **more: Any) -> RewardRule:
    return RewardRule(name=name, triggers=(Trigger.PURCHASE,), percentage=fraction, **more)


def each_rule(amount_minor: int = 1_000) -> RewardRule:
    return flat_rule(amount_minor, flat_split=FlatSplit.EACH)


def webhook_rule(amount_minor: int = 1_000) -> RewardRule:
    return flat_rule(amount_minor, rail=Rail.WEBHOOK)


def cap(
    amount_minor: int | None = None,
    *,
    rewards: int | None = None,
    per: CapPer = CapPer.PROGRAM,
    period: CapPeriod = CapPeriod.EVER,
    name: str = "budget",
) -> Cap:
    amount = None if amount_minor is None else Money.of(amount_minor, EUR)
    return Cap(name=name, per=per, period=period, amount=amount, rewards=rewards)


def share(
    participant_id: str = "p1",
    weight: str = "1",
    *,
    amount_minor: int = 10_000,
    program_id: str = "prog",
    version: int = 1,
) -> DomainShare:
    return DomainShare(
        participant_id=participant_id,
        group=Group.CUSTOMER,
        program_id=program_id,
        program_version=version,
        market_id="de",
        referral_id=f"ref-{participant_id}",
        weight=Fraction(weight),
        amount_minor=amount_minor,
    )


def credit(
    *shares: DomainShare,
    revision: int = 1,
    amount_minor: int = 10_000,
    refunded_minor: int = 0,
    **more: Any,
) -> Credit:
    """A credit whose shares carry their parts of the net amount, as attribution sends it."""
    weights = {one.key: one.weight for one in shares}
    parts = split_money(amount_minor - refunded_minor, weights) if weights else {}
    values: dict[str, Any] = {
        "state": ConversionState.CREDITED if shares else ConversionState.UNATTRIBUTED,
        "trigger": Trigger.PURCHASE,
        "currency": EUR,
        "referee_id": "friend",
        "occurred_at": NOON,
        "first_reported_at": NOON,
        "shares": tuple(_with_amount(one, parts[one.key]) for one in shares),
    }
    return Credit(
        revision=revision,
        amount_minor=amount_minor,
        refunded_minor=refunded_minor,
        **(values | more),
    )


def _with_amount(one: DomainShare, amount_minor: int) -> DomainShare:
    return share(
        one.participant_id,
        str(one.weight),
        amount_minor=amount_minor,
        program_id=one.program_id,
        version=one.program_version,
    )


def verdict(
    state: VerdictState = VerdictState.CLEARED, *, credit_revision: int = 1, revision: int = 1
) -> Verdict:
    return Verdict(
        credit_revision=credit_revision, revision=revision, state=state, line="The fraud check."
    )


def facts(
    *rules: RewardRule,
    caps: tuple[Cap, ...] = (),
    eligibility: Eligibility | None = None,
    periods: Mapping[str, tuple[Period, ...]] | None = None,
    programs: tuple[str, ...] = ("prog", "other"),
) -> Facts:
    default = (Period(NOON - timedelta(days=365), "de", "standard", active=True),)
    return Facts(
        versions={
            (program_id, number): Version(
                program_id=program_id,
                version=number,
                hold_seconds=int(HOLD.total_seconds()) * number,
                held_expires_seconds=int(HELD.total_seconds()),
                eligibility=eligibility or Eligibility(),
                rules=rules or (flat_rule(),),
                caps=caps,
            )
            for program_id in programs
            for number in (1, 2)
        },
        participants={f"p{n}": default for n in range(1, 20)} | dict(periods or {}),
        zones={"de": ((NOON - timedelta(days=365), "Europe/Berlin"),)},
    )


def case(conversion_id: str = "c1") -> Case:
    return Case(conversion=Conversion(conversion_id=conversion_id))


def settings(database_url: str, **more: Any) -> RewardsSettings:
    return RewardsSettings(
        database=SecretStr(database_url),
        operator_token=SecretStr("operator-4f9c1b7e2a6d8035"),
        ordinal=0,
        payout_retry_min_seconds=0.001,
        payout_retry_max_seconds=0.001,
        **more,
    )
