"""While nothing is decided: bring a conversion's waiting rewards in line with its credit."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace
from shared_schemas.events.rewards import RewardDeclined, RewardPending, RewardRevised
from shared_schemas.states import RewardState

from .facts import Facts
from .ledger import LedgerBroken, Move, Purpose
from .outcome import Desk, Outcome
from .rules import Planned, plan
from .steps import Change, Step, take
from .values import Case, Conversion, Credit, Reward


def replan(case: Case, desk: Desk, now: datetime) -> Outcome:
    """Bring the waiting rewards in line with the credit."""
    credit = case.conversion.credit
    if credit is None:
        return Outcome(case)
    planned = {
        p.terms.reward_id: p for p in plan(case.conversion.conversion_id, credit, desk.facts)
    }
    conversion = _with_hold(case.conversion, credit, desk.facts, planned.values())
    outcome = Outcome(replace(case, conversion=conversion))
    for reward_id in sorted(planned.keys() | case.rewards.keys()):
        for step in _revise(case.rewards.get(reward_id), planned.get(reward_id), conversion, now):
            desk.limits.move(step.before, step.reward)
            outcome = outcome.then(step)
    return outcome


def _with_hold(
    conversion: Conversion, credit: Credit, facts: Facts, planned: Iterable[Planned]
) -> Conversion:
    """The hold starts with the first trusted report and is the longest among the shares'."""
    if conversion.hold_ended_at is not None or not any(p.amount_minor for p in planned):
        return conversion
    hold = timedelta(seconds=facts.hold_seconds(credit.shares))
    return replace(conversion, hold_ends_at=credit.first_reported_at + hold)


def _revise(
    reward: Reward | None, planned: Planned | None, conversion: Conversion, now: datetime
) -> Iterator[Step]:
    if reward is None:
        if planned is not None:
            yield from _begin(planned, conversion, now)
    elif reward.state is RewardState.DECLINED and planned is not None and planned.amount_minor:
        yield _pend(_on(reward, planned, conversion), planned.amount_minor, now)
    elif not reward.waits:
        return
    elif planned is None or planned.amount_minor == 0:
        reason = "nobody earns this any longer" if planned is None else _nothing(planned)
        lines = () if planned is None else planned.lines
        yield decline(replace(reward, basis=lines or reward.basis), reason, now)
    elif planned.terms.currency != reward.terms.currency:
        yield from _exchange(reward, planned, conversion, now)
    else:
        after = _on(reward, planned, conversion)
        same_terms = after.terms == reward.terms and after.hold_ends_at == reward.hold_ends_at
        if not same_terms or planned.amount_minor != reward.amount_minor:
            yield _change_worth(reward, after, planned.amount_minor, now)


def _exchange(
    reward: Reward, planned: Planned, conversion: Conversion, now: datetime
) -> Iterator[Step]:
    """Minor units of two currencies never meet: the old hold ends whole, then a new one begins."""
    reason = f"the conversion is in {planned.terms.currency} now: {reward.text()} is void"
    voided = decline(reward, reason, now)
    yield voided
    yield _pend(_on(voided.reward, planned, conversion), planned.amount_minor, now)


def _begin(planned: Planned, conversion: Conversion, now: datetime) -> Iterator[Step]:
    credit = credit_of(conversion)
    reward = Reward(
        terms=planned.terms,
        credit_revision=credit.revision,
        hold_ends_at=conversion.hold_ends_at or now,
        basis=planned.lines,
    )
    if planned.amount_minor:
        yield _pend(reward, planned.amount_minor, now)
    elif planned.refusal:
        yield decline(reward, _nothing(planned), now)


def _on(reward: Reward, planned: Planned, conversion: Conversion) -> Reward:
    """The reward on the terms that the current credit gives it.

    Raises LedgerBroken when it still holds money of another currency.
    """
    if planned.terms.currency != reward.terms.currency and reward.pending_minor:
        raise LedgerBroken(f"reward {reward.reward_id} holds {reward.text(reward.pending_minor)}")
    return replace(
        reward,
        terms=planned.terms,
        basis=planned.lines,
        credit_revision=credit_of(conversion).revision,
        hold_ends_at=conversion.hold_ends_at or reward.hold_ends_at,
    )


def _pend(reward: Reward, amount_minor: int, now: datetime) -> Step:
    change = Change(
        event=RewardPending,
        state=RewardState.PENDING,
        at=now,
        reason="earned, and on hold",
        next_step="It is approved when the hold ends, if the fraud check clears it.",
        next_at=reward.hold_ends_at,
        amount_minor=amount_minor,
    )
    return take(reward, change, [Move(Purpose.HOLD, amount_minor)])


def _change_worth(before: Reward, after: Reward, amount_minor: int, now: datetime) -> Step:
    delta = amount_minor - before.amount_minor
    purpose = Purpose.HOLD if delta > 0 else Purpose.RELEASE
    change = Change(
        event=RewardRevised,
        state=before.state,
        at=now,
        reason=f"revision {after.credit_revision} of the credit: "
        f"{before.text()} became {after.text(amount_minor)}",
        next_step="It is decided when the hold ends."
        if before.state is RewardState.PENDING
        else "The fraud check has to clear this revision.",
        next_at=after.hold_ends_at if before.state is RewardState.PENDING else None,
        amount_minor=amount_minor,
    )
    return take(after, change, [Move(purpose, abs(delta))])


def decline(reward: Reward, reason: str, now: datetime, lines: tuple[str, ...] = ()) -> Step:
    """Not earned after all: what was on hold goes back."""
    change = Change(
        event=RewardDeclined,
        state=RewardState.DECLINED,
        at=now,
        reason=reason,
        next_step="Nothing is owed.",
        lines=lines,
        amount_minor=0,
    )
    return take(reward, change, [Move(Purpose.RELEASE, reward.amount_minor)])


def _nothing(planned: Planned) -> str:
    return planned.refusal or "nothing is left of the conversion"


def credit_of(conversion: Conversion) -> Credit:
    """The credit of a conversion that has one. Raises LookupError."""
    if conversion.credit is None:
        raise LookupError(f"conversion {conversion.conversion_id} has no credit")
    return conversion.credit
