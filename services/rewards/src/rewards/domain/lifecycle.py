"""From credit to approval: what a credit, a verdict and the end of a hold make of rewards.

Nothing here looks at the order in which credit and verdict came: both are kept, and the ruling is
read from them when the hold has ended.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace
from shared_schemas.events.rewards import RewardApproved, RewardExpired, RewardHeld
from shared_schemas.states import RewardState, VerdictState

from .ledger import Move, Purpose
from .outcome import Desk, Outcome, noted
from .reversal import absorb, reject_paid
from .revising import credit_of, decline, replan
from .steps import Change, Step, take
from .values import Case, Conversion, Credit, Reward, Verdict

CAPPED = "capped to zero"
VERDICT_MISSING = "verdict_missing"
UNDER_REVIEW = "under_review"
REJECTED = "rejected by the fraud check"


def hear_credit(case: Case, credit: Credit, desk: Desk, now: datetime) -> Outcome:
    """Apply a higher revision of a credit; any other changes nothing."""
    known = case.conversion.credit
    if known is not None and credit.revision <= known.revision:
        return Outcome(case)
    case = replace(case, conversion=replace(case.conversion, credit=credit))
    if not case.conversion.is_open:
        return _after_approval(case, desk, now)
    if case.conversion.is_overdue:
        return conclude(case, desk, now)
    return replan(case, desk, now)


def hear_verdict(case: Case, verdict: Verdict, desk: Desk, now: datetime) -> Outcome:
    """Keep the highest verdict. It acts at once after the hold, and not before."""
    known = case.conversion.verdict
    if known is not None and verdict.pair <= known.pair:
        return Outcome(case)
    case = replace(case, conversion=replace(case.conversion, verdict=verdict))
    if case.conversion.is_overdue:
        return conclude(case, desk, now)
    if not case.conversion.is_open:
        return _after_approval(case, desk, now)
    return Outcome(case)


def _after_approval(case: Case, desk: Desk, now: datetime) -> Outcome:
    """Only the verdict on the current credit rules, whichever of the two was heard last."""
    if case.conversion.ruling() is VerdictState.REJECTED:
        return noted(case, reject_paid(case, now), desk)
    return noted(case, absorb(case, now), desk)


def end_hold(case: Case, desk: Desk, now: datetime) -> Outcome:
    """All rewards of the conversion freeze together, at the end of the longest hold."""
    conversion = case.conversion
    if conversion.hold_ended_at is not None or conversion.hold_ends_at is None:
        return Outcome(case)
    if conversion.hold_ends_at > now:  # it has moved; a later row will come
        return Outcome(case)
    case = replace(case, conversion=replace(conversion, hold_ended_at=now))
    return conclude(case, desk, now)


def expire(case: Case, now: datetime) -> Outcome:
    """Nobody decided in time."""
    expires_at = case.conversion.expires_at
    held = [r for r in case.in_order() if r.state is RewardState.HELD]
    if not case.conversion.is_overdue or expires_at is None or expires_at > now or not held:
        return Outcome(case)
    outcome = Outcome(replace(case, conversion=replace(case.conversion, resolved_at=now)))
    for reward in held:
        change = Change(
            event=RewardExpired,
            state=RewardState.EXPIRED,
            at=now,
            reason="nobody decided in time",
            next_step="Nothing more will come of this reward.",
            amount_minor=0,
        )
        outcome = outcome.then(take(reward, change, [Move(Purpose.RELEASE, reward.amount_minor)]))
    return outcome


def conclude(case: Case, desk: Desk, now: datetime) -> Outcome:
    """After the hold: approve, hold or decline by the ruling on the current credit."""
    ruling = case.conversion.ruling()
    if ruling is VerdictState.REJECTED:
        return _decline_all(case, desk, now)
    outcome = replan(case, desk, now)
    if ruling is VerdictState.CLEARED:
        return _approve_all(outcome, desk, now)
    return _hold_all(outcome, desk, ruling, now)


def _decline_all(case: Case, desk: Desk, now: datetime) -> Outcome:
    outcome = Outcome(case)
    for reward in case.in_order():
        if reward.waits:
            step = decline(reward, REJECTED, now, _verdict_lines(case.conversion))
            desk.limits.move(step.before, step.reward)
            outcome = outcome.then(step)
    return outcome


def _approve_all(outcome: Outcome, desk: Desk, now: datetime) -> Outcome:
    """Clip to the caps, in one order, and freeze what the approval looked at."""
    conversion = outcome.case.conversion
    waiting = [reward for reward in outcome.case.in_order() if reward.waits]
    if not waiting:
        return outcome
    credit = credit_of(conversion)
    frozen = replace(
        conversion,
        resolved_at=now,
        frozen_minor=credit.amount_minor,
        frozen_refunded_minor=credit.amount_minor - credit.net_minor,
        frozen_currency=credit.currency,
    )
    outcome = Outcome(replace(outcome.case, conversion=frozen), outcome.steps)
    for reward in waiting:
        version = desk.facts.version(reward.terms.program_id, reward.terms.program_version)
        allowed, why = desk.limits.clip(reward, version.caps)
        step = _approve(reward, allowed, (*_verdict_lines(conversion), *why), now)
        desk.limits.move(step.before, step.reward)
        outcome = outcome.then(step)
    return outcome


def _approve(reward: Reward, allowed: int, lines: tuple[str, ...], now: datetime) -> Step:
    if allowed == 0:
        return decline(reward, CAPPED, now, lines)
    change = Change(
        event=RewardApproved,
        state=RewardState.APPROVED,
        at=now,
        reason="the hold is over and the fraud check cleared it",
        next_step="It is paid now.",
        next_at=now,
        lines=lines,
        amount_minor=allowed,
    )
    moves = [Move(Purpose.RELEASE, reward.amount_minor - allowed), Move(Purpose.POST, allowed)]
    return take(replace(reward, basis_minor=allowed), change, moves)


def _hold_all(outcome: Outcome, desk: Desk, ruling: VerdictState | None, now: datetime) -> Outcome:
    reason = VERDICT_MISSING if ruling is None else UNDER_REVIEW
    waiting = [reward for reward in outcome.case.in_order() if reward.waits]
    if not waiting:
        return outcome
    conversion = outcome.case.conversion
    if all(reward.state is RewardState.PENDING for reward in waiting):
        patience = desk.facts.held_expires_seconds(credit_of(conversion).shares)
        conversion = replace(conversion, expires_at=now + timedelta(seconds=patience))
        outcome = Outcome(replace(outcome.case, conversion=conversion), outcome.steps)
    for reward in waiting:
        if reward.state is RewardState.PENDING or reward.reason != reason:
            outcome = outcome.then(_hold(reward, reason, conversion, now))
    return outcome


def _hold(reward: Reward, reason: str, conversion: Conversion, now: datetime) -> Step:
    change = Change(
        event=RewardHeld,
        state=RewardState.HELD,
        at=now,
        reason=reason,
        next_step="It waits for the fraud check."
        if reason == VERDICT_MISSING
        else "A reviewer has to decide.",
        next_at=conversion.expires_at,
        lines=_verdict_lines(conversion),
    )
    return take(reward, change)


def _verdict_lines(conversion: Conversion) -> tuple[str, ...]:
    if conversion.verdict is None:
        return ("No verdict of the fraud check was heard.",)
    if conversion.ruling() is None:
        return (f"The last verdict is on another revision. {conversion.verdict.line}",)
    return (conversion.verdict.line,)
