"""After approval: refunds and rejections take back, in proportion and only from their own rewards.

What is still available goes back to the budget; what was paid or netted becomes a receivable. A
payout that the provider may have heard of is left alone until its outcome is known.
"""

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace
from shared_schemas.events.rewards import RewardClawedBack, RewardFulfilled, RewardRevised
from shared_schemas.money import portion
from shared_schemas.states import ConversionState, PayoutState, RewardState

from .ledger import Move, Purpose
from .steps import Change, Step, take
from .values import ONE, Case, Conversion, Payout, Reward, money_text, next_payout_id


class _Cut(Struct, frozen=True):
    """What a reward is to be worth from now on, and why."""

    worth_minor: int
    reason: str
    at: datetime


def absorb(case: Case, now: datetime) -> Iterator[Step]:
    """A credit revised after approval: shares that moved move no money, refunds do."""
    ratio = _left_of(case.conversion)
    for reward in case.in_order():
        cut = _Cut(portion(reward.basis_minor, ratio), "the conversion was refunded", now)
        yield from _reduce(case, reward, cut)


def reject_paid(case: Case, now: datetime) -> Iterator[Step]:
    """A rejection after approval takes everything back."""
    for reward in case.in_order():
        yield from _reduce(case, reward, _Cut(0, "rejected by the fraud check", now))


def take_back(reward: Reward, reason: str, now: datetime) -> Iterator[Step]:
    """Take back what a reward is no longer worth, from what is available, else as receivable."""
    if reward.excess_minor > 0:
        yield _taken_back(reward, _Cut(reward.amount_minor, reason, now))


def withdrawn(payout: Payout, now: datetime) -> Payout:
    """A payout that nobody was asked to make, and that nobody will be."""
    return replace(
        payout,
        state=PayoutState.FAILED,
        revision=payout.revision + 1,
        reason="withdrawn before it was sent",
        changed_at=now,
    )


def request(reward: Reward, amount_minor: int, now: datetime) -> Payout:
    """The reward's next payout: the intent, before anybody is asked."""
    return Payout(
        payout_id=next_payout_id(reward),
        reward_id=reward.reward_id,
        conversion_id=reward.terms.conversion_id,
        beneficiary_id=reward.terms.beneficiary_id,
        rail=reward.terms.rail,
        amount_minor=amount_minor,
        currency=reward.terms.currency,
        requested_at=now,
        changed_at=now,
    )


def _left_of(conversion: Conversion) -> Fraction:
    """How much is left of what was net when the conversion was approved.

    Amounts of two currencies are never compared: when the credit's has changed since, the part that
    is left of it by its own account is that part of what was frozen.
    """
    credit = conversion.credit
    net = conversion.frozen_minor - conversion.frozen_refunded_minor
    if credit is None or credit.state is ConversionState.REVERSED:
        return Fraction(0)
    if net <= 0:
        return ONE
    if credit.currency == conversion.frozen_currency:
        left = Fraction(max(conversion.frozen_minor - credit.refunded_minor, 0))
    else:
        left = conversion.frozen_minor * credit.net_ratio
    return min(left / net, ONE)


def _reduce(case: Case, reward: Reward, cut: _Cut) -> Iterator[Step]:
    if not reward.counts or cut.worth_minor >= reward.amount_minor:
        return
    payout = case.payouts.get(reward.reward_id)
    if payout is None:
        yield _taken_back(reward, cut)
    elif payout.was_sent:
        yield take(
            reward, _revised(reward, cut, "It is taken back when the payout's fate is known.")
        )
    else:
        yield from _instead_of(payout, reward, cut)


def _instead_of(payout: Payout, reward: Reward, cut: _Cut) -> Iterator[Step]:
    """Withdraw an unsent payout and pay what is left, if anything is."""
    excess = reward.excess_minor + reward.amount_minor - cut.worth_minor
    reverse = min(excess, reward.available_minor + payout.amount_minor)
    rest = reward.available_minor + payout.amount_minor - reverse
    moves = [
        Move(Purpose.RETURN, payout.amount_minor),
        Move(Purpose.REVERSE, reverse),
        Move(Purpose.CLAW_BACK, excess - reverse),
    ]
    if cut.worth_minor == 0:
        yield take(reward, _clawed_back(cut), moves, [withdrawn(payout, cut.at)])
        return
    payouts = [withdrawn(payout, cut.at)]
    after = replace(reward, payout_id=None)
    if rest:
        payouts.append(request(reward, rest, cut.at))
        after = replace(reward, payouts=reward.payouts + 1, payout_id=payouts[-1].payout_id)
        moves.append(Move(Purpose.PAYOUT, rest))
    step = take(after, _revised(reward, cut, "What is left of it is paid now."), moves, payouts)
    yield step
    if not rest:
        yield fulfilled_by_netting(step.reward, cut.at)


def fulfilled_by_netting(reward: Reward, now: datetime) -> Step:
    """All of the reward went against what the beneficiary owed."""
    change = Change(
        event=RewardFulfilled,
        state=RewardState.FULFILLED,
        at=now,
        reason=f"netted: {reward.text(reward.netted_minor)} went against what was owed back",
        next_step="Nothing is left to pay.",
    )
    return take(reward, change)


def _taken_back(reward: Reward, cut: _Cut) -> Step:
    excess = reward.excess_minor + reward.amount_minor - cut.worth_minor
    reverse = min(excess, reward.available_minor)
    owed = excess - reverse
    moves = [Move(Purpose.REVERSE, reverse), Move(Purpose.CLAW_BACK, owed)]
    next_step = "Nothing more will come of it."
    if owed:
        next_step = f"{reward.text(owed)} will be netted against the next rewards."
    if cut.worth_minor == 0:
        return take(reward, _clawed_back(cut, next_step), moves)
    return take(reward, _revised(reward, cut, next_step), moves)


def _clawed_back(cut: _Cut, next_step: str = "Nothing more will come of it.") -> Change:
    return Change(
        event=RewardClawedBack,
        state=RewardState.CLAWED_BACK,
        at=cut.at,
        reason=cut.reason,
        next_step=next_step,
        amount_minor=0,
    )


def _revised(reward: Reward, cut: _Cut, next_step: str) -> Change:
    worth = money_text(cut.worth_minor, reward.terms.currency)
    return Change(
        event=RewardRevised,
        state=reward.state,
        at=cut.at,
        reason=f"{cut.reason}: {worth} is left of it",
        next_step=next_step,
        amount_minor=cut.worth_minor,
    )
