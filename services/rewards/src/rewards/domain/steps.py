"""One step of one reward: its new state, the money that moved, the words that explain it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from shared_schemas.events.rewards import RewardChanged
from shared_schemas.states import PayoutState, RewardState, check_transition

from .ledger import ROUTES, LedgerBroken, Move, Transfer, transfer
from .values import Case, Payout, Reward

_AMOUNTS = (
    "pending_minor",
    "approved_minor",
    "paid_minor",
    "reversed_minor",
    "netted_minor",
    "available_minor",
    "clearing_minor",
)


class Change(Struct, frozen=True, kw_only=True):
    """What is to become of a reward: the event that says so, and why.

    `amount_minor` None leaves the worth as it is; `lines` explain this decision, after the basis.
    """

    event: type[RewardChanged]
    state: RewardState
    at: datetime
    reason: str
    next_step: str
    next_at: datetime | None = None
    lines: tuple[str, ...] = ()
    amount_minor: int | None = None


class Step(Struct, frozen=True, kw_only=True):
    """A change that has been made. `payouts` are the payouts that changed with it."""

    before: Reward
    reward: Reward
    change: Change
    transfers: tuple[Transfer, ...] = ()
    payouts: tuple[Payout, ...] = ()


def take(
    reward: Reward, change: Change, moves: Sequence[Move] = (), payouts: Sequence[Payout] = ()
) -> Step:
    """Make a change. Moves of nothing are left out.

    Raises IllegalTransition, or LedgerBroken when money would move that is not there.
    """
    check_transition(reward.state, change.state)
    revision = reward.revision + 1
    transfers = tuple(
        transfer(reward.terms, move, n=revision, at=change.at)
        for move in moves
        if move.amount_minor != 0
    )
    worth = reward.amount_minor if change.amount_minor is None else change.amount_minor
    after = replace(
        reward,
        revision=revision,
        state=change.state,
        reason=change.reason,
        amount_minor=worth,
        **_moved(reward, transfers),
    )
    return Step(
        before=reward, reward=after, change=change, transfers=transfers, payouts=tuple(payouts)
    )


def apply(case: Case, step: Step) -> Case:
    """The case after a step."""
    payouts = dict(case.payouts)
    for payout in step.payouts:
        if payout.state in (PayoutState.REQUESTED, PayoutState.UNKNOWN):
            payouts[payout.reward_id] = payout
        elif payouts.get(payout.reward_id, payout).payout_id == payout.payout_id:
            payouts.pop(payout.reward_id, None)
    rewards = {**case.rewards, step.reward.reward_id: step.reward}
    return replace(case, rewards=rewards, payouts=payouts)


def _moved(reward: Reward, transfers: Sequence[Transfer]) -> dict[str, Any]:
    amounts: dict[str, int] = {name: getattr(reward, name) for name in _AMOUNTS}
    for one in transfers:
        for name, sign in ROUTES[one.purpose].effects:
            amounts[name] += sign * one.amount_minor
    if min(amounts.values()) < 0 or amounts["approved_minor"] > amounts["pending_minor"]:
        raise LedgerBroken(f"reward {reward.reward_id} would hold {amounts}")
    return amounts
