"""Between the wire and the domain: events become values, steps and payouts become events."""

from collections.abc import Mapping

from shared_schemas.events.attribution import ConversionCredited, ConversionDecided
from shared_schemas.events.fraud import CreditJudged
from shared_schemas.events.rewards import (
    PayoutChanged,
    PayoutFailed,
    PayoutRequested,
    PayoutSettled,
    PayoutUnknown,
    RewardChanged,
)
from shared_schemas.money import digits_of
from shared_schemas.states import PayoutState

from ..domain.steps import Step
from ..domain.values import Credit, Payout, Share, Verdict, exact

_PAYOUT_EVENTS: Mapping[PayoutState, type[PayoutChanged]] = {
    PayoutState.REQUESTED: PayoutRequested,
    PayoutState.UNKNOWN: PayoutUnknown,
    PayoutState.SETTLED: PayoutSettled,
    PayoutState.FAILED: PayoutFailed,
}


def credit_of(data: ConversionDecided) -> Credit:
    """A credit as rewards keeps it; without shares when nobody is credited."""
    shares = data.shares if isinstance(data, ConversionCredited) else ()
    return Credit(
        revision=data.revision,
        state=data.state,
        trigger=data.trigger,
        amount_minor=data.amount_minor,
        refunded_minor=data.refunded_minor,
        currency=data.currency,
        referee_id=data.referee_id,
        occurred_at=data.occurred_at,
        first_reported_at=data.first_reported_at,
        shares=tuple(
            Share(
                participant_id=share.participant_id,
                group=share.group,
                program_id=share.program_id,
                program_version=share.program_version,
                market_id=share.market_id,
                referral_id=share.referral_id,
                weight=exact(share.weight),
                amount_minor=share.amount_minor,
            )
            for share in shares
        ),
    )


def verdict_of(data: CreditJudged) -> Verdict:
    """A verdict with its reasons in one line."""
    reasons = ", ".join(f"{c.name} {c.points:+d}" for c in data.contributions[:20]) or "no findings"
    return Verdict(
        credit_revision=data.credit_revision,
        revision=data.verdict_revision,
        state=data.state,
        line=f"The fraud check {data.state.value} revision {data.credit_revision} with score "
        f"{data.score} under rules {data.rules_version}: {reasons}.",
    )


def reward_event(step: Step) -> RewardChanged:
    """The event that tells a step: the reward's whole state."""
    reward, change, terms = step.reward, step.change, step.reward.terms
    return change.event(
        reward_id=terms.reward_id,
        revision=reward.revision,
        state=reward.state,
        beneficiary_id=terms.beneficiary_id,
        side=terms.side,
        participant_id=terms.participant_id,
        group=terms.group,
        conversion_id=terms.conversion_id,
        credit_revision=reward.credit_revision,
        referral_id=terms.referral_id,
        program_id=terms.program_id,
        program_version=terms.program_version,
        rule_name=terms.rule_name,
        trigger=terms.trigger,
        kind=terms.kind,
        rail=terms.rail,
        market_id=terms.market_id,
        amount_minor=reward.amount_minor,
        pending_minor=reward.pending_minor,
        approved_minor=reward.approved_minor,
        paid_minor=reward.paid_minor,
        reversed_minor=reward.reversed_minor,
        netted_minor=reward.netted_minor,
        currency=terms.currency,
        digits=digits_of(terms.currency),
        occurred_at=terms.occurred_at,
        hold_ends_at=reward.hold_ends_at,
        posted_at=change.at,
        transfer_ids=tuple(transfer.transfer_id for transfer in step.transfers),
        payout_id=reward.payout_id,
        reason=change.reason,
        explanation=(*reward.basis, *change.lines),
        next_step=change.next_step,
        next_at=change.next_at,
    )


def payout_event(payout: Payout) -> PayoutChanged:
    """The event that tells a payout's whole state."""
    return _PAYOUT_EVENTS[payout.state](
        payout_id=payout.payout_id,
        revision=payout.revision,
        state=payout.state,
        reward_id=payout.reward_id,
        conversion_id=payout.conversion_id,
        beneficiary_id=payout.beneficiary_id,
        rail=payout.rail,
        amount_minor=payout.amount_minor,
        currency=payout.currency,
        provider_reference=payout.provider_reference,
        reason=payout.reason,
        changed_at=payout.changed_at,
    )
