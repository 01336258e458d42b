"""Events for tests, as their owners publish them, with defaults."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rewards.domain.values import Credit
from rewards.domain.values import Share as DomainShare
from service_kit.testing import Given, event
from shared_schemas.events.attribution import ConversionCredited, ConversionUnattributed, Share
from shared_schemas.events.fraud import (
    Contribution,
    CreditCleared,
    CreditHeld,
    CreditJudged,
    CreditRejected,
)
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    ParticipantEnrolled,
    ParticipantPeriod,
    ProgramVersionActivated,
    RewardRule,
    Window,
)
from shared_schemas.states import VerdictState
from shared_schemas.words import (
    AttributionModel,
    ConsentMode,
    Group,
)

from .builders import EUR, HELD, HOLD, NOON, credit, flat_rule, share


def program(
    *rules: RewardRule,
    program_id: str = "prog",
    version: int = 1,
    hold: timedelta = HOLD,
    **more: Any,
) -> Given:
    return event(
        ProgramVersionActivated(
            program_id=program_id,
            version=version,
            name="Program",
            group=Group.CUSTOMER,
            effective_at=NOON - timedelta(days=100),
            activated_at=NOON - timedelta(days=100),
            hold_seconds=int(hold.total_seconds()),
            held_expires_seconds=int(HELD.total_seconds()),
            rewards=rules or (flat_rule(),),
            actor="council",
            **more,
        )
    )


def market() -> Given:
    return event(
        AttributionPolicyActivated(
            market_id="de",
            version=1,
            effective_at=NOON - timedelta(days=100),
            activated_at=NOON - timedelta(days=100),
            currency=EUR,
            language="de",
            zone="Europe/Berlin",
            consent_mode=ConsentMode.OPT_OUT,
            model=AttributionModel.LAST,
            windows=(Window(seconds=86_400),),
            grace_seconds=86_400,
            actor="council",
        )
    )


def participant(participant_id: str = "p1", *, revision: int = 1, tier: str = "standard") -> Given:
    return event(
        ParticipantEnrolled(
            participant_id=participant_id,
            revision=revision,
            language="de",
            history=(
                ParticipantPeriod(
                    from_at=NOON - timedelta(days=100),
                    group=Group.CUSTOMER,
                    market_id="de",
                    tier=tier,
                ),
            ),
        )
    )


def world(*rules: RewardRule, participants: int = 5, **more: Any) -> list[Given]:
    """A program, its market, and participants p1, p2 …"""
    people = [participant(f"p{n}") for n in range(1, participants + 1)]
    return [program(*rules, **more), market(), *people]


def credited(
    *shares: DomainShare,
    conversion_id: str = "c1",
    at: datetime = NOON,
    **more: Any,
) -> Given:
    """ConversionCredited; without any share, for p1 alone."""
    value = credit(*(shares or (share(),)), **more)
    return event(
        ConversionCredited(
            shares=tuple(
                Share(
                    participant_id=one.participant_id,
                    group=one.group,
                    program_id=one.program_id,
                    program_version=one.program_version,
                    market_id=one.market_id,
                    referral_id=one.referral_id,
                    weight=str(one.weight),
                    amount_minor=one.amount_minor,
                    evidence_count=0,
                )
                for one in value.shares
            ),
            **_decided(value, conversion_id),
        ),
        at=at,
    )


def unattributed(*, conversion_id: str = "c1", at: datetime = NOON, **more: Any) -> Given:
    """ConversionUnattributed."""
    return event(ConversionUnattributed(**_decided(credit(**more), conversion_id)), at=at)


def _decided(value: Credit, conversion_id: str) -> dict[str, Any]:
    return {
        "conversion_id": conversion_id,
        "revision": value.revision,
        "state": value.state,
        "trigger": value.trigger,
        "family": "sale",
        "reference": f"order-{conversion_id}",
        "amount_minor": value.amount_minor,
        "refunded_minor": value.refunded_minor,
        "currency": value.currency,
        "referee_id": value.referee_id,
        "market_id": "de",
        "occurred_at": value.occurred_at,
        "first_reported_at": value.first_reported_at,
        "grace_ends_at": value.first_reported_at,
        "policy_version": 1,
        "model": AttributionModel.LINEAR,
        "reason": "",
        "next_step": "",
    }


_JUDGED: Mapping[VerdictState, type[CreditJudged]] = {
    VerdictState.CLEARED: CreditCleared,
    VerdictState.HELD: CreditHeld,
    VerdictState.REJECTED: CreditRejected,
}


def judged(
    state: VerdictState = VerdictState.CLEARED,
    *,
    conversion_id: str = "c1",
    credit_revision: int = 1,
    revision: int = 1,
    at: datetime = NOON,
) -> Given:
    """A verdict of the fraud check."""
    return event(
        _JUDGED[state](
            conversion_id=conversion_id,
            credit_revision=credit_revision,
            verdict_revision=revision,
            state=state,
            score=10,
            contributions=(Contribution(name="velocity", points=10, why="many"),),
            rules_version="1",
            judged_at=at,
            next_step="",
        ),
        at=at,
    )
