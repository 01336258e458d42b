"""From approval to payment: netting, the intent to pay, and what the provider's word changes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace
from shared_schemas.events.rewards import (
    RewardApproved,
    RewardClawedBack,
    RewardFulfilled,
    RewardFulfilling,
)
from shared_schemas.states import PayoutState, RewardState, check_transition

from .ledger import Move, Purpose
from .reversal import fulfilled_by_netting, request, take_back
from .steps import Change, Step, take
from .values import Case, Payout, Reward

_TOOK_BACK = "taken back while its payout was on the way"


class Word(StrEnum):
    """What a provider says of a payout. `refused` is a no that does not name it."""

    SETTLED = "settled"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NEVER_HEARD = "never_heard"


class Answer(Struct, frozen=True, kw_only=True):
    """A provider's word with its reference, or the reason why there is none."""

    word: Word
    reference: str | None = None
    reason: str = ""


def fund(reward: Reward, owed_minor: int, now: datetime) -> Iterator[Step]:
    """Net an approved reward against what its beneficiary owes, and intend to pay the rest."""
    if reward.state is not RewardState.APPROVED or reward.available_minor == 0:
        return
    net = min(owed_minor, reward.available_minor)
    rest = reward.available_minor - net
    payouts = [request(reward, rest, now)] if rest else []
    lines = (f"{reward.text(net)} goes against what was owed back.",) if net else ()
    change = Change(
        event=RewardFulfilling,
        state=RewardState.FULFILLING,
        at=now,
        reason=f"{reward.text(rest)} is being paid" if rest else "netted against what was owed",
        next_step=f"The {reward.terms.rail.value} rail is asked to pay.",
        next_at=now,
        lines=lines,
    )
    if payouts:
        reward = replace(reward, payouts=reward.payouts + 1, payout_id=payouts[0].payout_id)
    step = take(reward, change, [Move(Purpose.NET, net), Move(Purpose.PAYOUT, rest)], payouts)
    yield step
    if not rest:
        yield fulfilled_by_netting(step.reward, now)


def weigh(payout: Payout, answer: Answer) -> Answer:
    """What an answer is worth to a payout as it stands now.

    A refusal is about the attempt that was refused. It ends the payout only if there was no other,
    of which the provider may have paid one; then only its own word about this payout does.
    """
    if answer.word is not Word.REFUSED:
        return answer
    return replace(answer, word=Word.FAILED if payout.attempts <= 1 else Word.UNKNOWN)


def hear_provider(case: Case, payout: Payout, answer: Answer, now: datetime) -> Iterator[Step]:
    """What a final answer makes of the payout and its reward; a repeated one changes nothing."""
    reward = case.rewards[payout.reward_id]
    if payout.state in (PayoutState.SETTLED, PayoutState.FAILED):
        return
    if answer.word is Word.SETTLED:
        yield from _settled(reward, payout, answer, now)
    elif answer.word is Word.FAILED:
        yield from _failed(reward, payout, answer, now)


def unsure(payout: Payout, answer: Answer, now: datetime) -> Payout:
    """The payout when the provider did not say: unknown, once."""
    if payout.state is not PayoutState.REQUESTED:
        return payout
    return _changed(payout, PayoutState.UNKNOWN, answer, now)


def ask_again_after(attempts: int, shortest: float, longest: float) -> timedelta:
    """How long to wait before the provider is asked again: doubling, up to a cap (seconds)."""
    return timedelta(seconds=min(shortest * 2 ** min(max(attempts - 1, 0), 30), longest))


def _settled(reward: Reward, payout: Payout, answer: Answer, now: datetime) -> Iterator[Step]:
    change = Change(
        event=RewardFulfilled,
        state=RewardState.FULFILLED,
        at=now,
        reason=f"paid: {reward.text(payout.amount_minor)}",
        next_step="Nothing is left to do.",
        lines=(f"The provider's reference is {answer.reference}.",) if answer.reference else (),
    )
    moves = [Move(Purpose.SETTLE, payout.amount_minor)]
    paid = _changed(payout, PayoutState.SETTLED, answer, now)
    step = take(reward, change, moves, [paid])
    yield step
    yield from take_back(step.reward, _TOOK_BACK, now)


def _failed(reward: Reward, payout: Payout, answer: Answer, now: datetime) -> Iterator[Step]:
    excess = reward.excess_minor
    available = reward.available_minor + payout.amount_minor
    reverse = min(excess, available)
    moves = [
        Move(Purpose.RETURN, payout.amount_minor),
        Move(Purpose.REVERSE, reverse),
        Move(Purpose.CLAW_BACK, excess - reverse),
    ]
    change = _after_failure(reward, available - reverse, answer.reason, now)
    refused = _changed(payout, PayoutState.FAILED, answer, now)
    yield take(replace(reward, payout_id=None), change, moves, [refused])


def _after_failure(reward: Reward, left_minor: int, reason: str, now: datetime) -> Change:
    """Back to approved, for an operator to pay again; unless there is nothing left to pay."""
    if reward.amount_minor == 0:
        return Change(
            event=RewardClawedBack,
            state=RewardState.CLAWED_BACK,
            at=now,
            reason=_TOOK_BACK,
            next_step="Nothing more will come of it.",
        )
    if left_minor == 0:
        return Change(
            event=RewardFulfilled,
            state=RewardState.FULFILLED,
            at=now,
            reason="netted, and the rest was taken back",
            next_step="Nothing is left to pay.",
        )
    return Change(
        event=RewardApproved,
        state=RewardState.APPROVED,
        at=now,
        reason=f"the payout failed: {reason}",
        next_step="An operator has to look at the payout and request it again.",
    )


def _changed(payout: Payout, state: PayoutState, answer: Answer, now: datetime) -> Payout:
    check_transition(payout.state, state)
    return replace(
        payout,
        state=state,
        revision=payout.revision + 1,
        provider_reference=answer.reference,
        reason=answer.reason,
        changed_at=now,
    )
