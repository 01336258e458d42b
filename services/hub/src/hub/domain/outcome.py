"""What came of a conversion in the end, and the one step that explains it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from shared_schemas.states import PayoutState, RewardState, VerdictState

from .journey import Journey
from .stages import Stage, Tone


class Ending(StrEnum):
    """How it stands with the money."""

    PAID = "paid"
    PARTLY = "partly"  # some of it is paid, some of it is not
    SET_OFF = "set_off"  # it went against what the beneficiary owed
    WAITING = "waiting"
    STOPPED = "stopped"
    TAKEN_BACK = "taken_back"


_ENDED_BADLY = {RewardState.DECLINED, RewardState.EXPIRED, RewardState.CLAWED_BACK}
_ON_HOLD = {RewardState.HELD, RewardState.PENDING}
_OWED = {RewardState.APPROVED, RewardState.FULFILLING}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The ending, the stage that explains it if it is not all good, and what was paid."""

    ending: Ending
    stage: Stage | None
    paid: tuple[tuple[str, int], ...] = ()

    @property
    def tone(self) -> Tone:
        """How it looks at a glance."""
        return _TONES[self.ending]

    @property
    def cause(self) -> str | None:
        """The name of the reason: the stage and its state, such as `fraud_rejected`."""
        if self.stage is None:
            return None
        return f"{self.stage.name}_{self.stage.state or 'not_counted'}"


_TONES = {
    Ending.PAID: Tone.GOOD,
    Ending.PARTLY: Tone.WAITING,
    Ending.SET_OFF: Tone.GOOD,
    Ending.WAITING: Tone.WAITING,
    Ending.STOPPED: Tone.STOPPED,
    Ending.TAKEN_BACK: Tone.STOPPED,
}


def outcome(told: Journey, *, own: bool = False) -> Outcome:
    """The outcome of a journey. `own`: it is one participant's view, so that a credit which went
    to others only is what stopped it.

    What a reward has come to outranks what other steps say; they explain it.
    """
    rewards = told.of("reward")
    paid = [reward for reward in rewards if reward.state == RewardState.FULFILLED]
    others = [reward for reward in rewards if reward.state != RewardState.FULFILLED]
    if paid and not others:
        sums = _sums(paid)
        return Outcome(Ending.PAID if sums else Ending.SET_OFF, None, sums)
    if paid:
        return Outcome(Ending.PARTLY, _reward_that_explains(told, others), _sums(paid))
    if not rewards:
        return _without_reward(told, own=own)
    if all(reward.state in _ENDED_BADLY for reward in rewards):
        taken = any(reward.state == RewardState.CLAWED_BACK for reward in rewards)
        return Outcome(Ending.TAKEN_BACK if taken else Ending.STOPPED, _culprit(told, others))
    owed = any(reward.state in _OWED for reward in others)
    if not owed and (stopped := _first(told.of("credit") + told.of("fraud"), Tone.STOPPED)):
        return Outcome(Ending.STOPPED, stopped)
    return Outcome(Ending.WAITING, _reward_that_explains(told, others))


def _without_reward(told: Journey, *, own: bool) -> Outcome:
    credit = told.of("credit")[0]
    if credit.tone is Tone.STOPPED:
        return Outcome(Ending.STOPPED, credit)
    if credit.tone is Tone.WAITING:
        return Outcome(Ending.WAITING, credit)
    touches = _first(told.of("touches"), Tone.STOPPED)
    if own and touches and not any(share.participant_id for share in credit.shares):
        return Outcome(Ending.STOPPED, touches)
    verdicts = told.of("fraud")
    if verdicts and verdicts[0].tone is not Tone.GOOD:
        stopped = verdicts[0].tone is Tone.STOPPED
        return Outcome(Ending.STOPPED if stopped else Ending.WAITING, verdicts[0])
    return Outcome(Ending.WAITING, credit)


def _culprit(told: Journey, rewards: list[Stage]) -> Stage:
    """Of what ended badly, the first step that did."""
    earlier = _first(told.of("credit") + told.of("fraud"), Tone.STOPPED)
    return earlier or rewards[0]


def _reward_that_explains(told: Journey, others: list[Stage]) -> Stage:
    """Of rewards not paid: what waits for somebody's doing first, then what ended badly."""
    waiting = [reward for reward in others if reward.tone is Tone.WAITING]
    if not waiting:
        return _culprit(told, others)
    on_hold = [reward for reward in waiting if reward.state in _ON_HOLD]
    verdict = next((v for v in told.of("fraud") if v.state == VerdictState.HELD), None)
    if verdict and on_hold:
        return verdict
    trouble = (_trouble_paying(told, reward) for reward in waiting)
    held = (reward for reward in waiting if reward.state == RewardState.HELD)
    return next((stage for stage in trouble if stage), None) or next(held, waiting[0])


def _trouble_paying(told: Journey, reward: Stage) -> Stage | None:
    """The reward's newest payout, if it failed or is unknown and the reward is still owed."""
    payouts = [payout for payout in told.of("payout") if payout.about == reward.id]
    if reward.state not in _OWED or not payouts:
        return None
    troubled = payouts[-1].state in (PayoutState.FAILED, PayoutState.UNKNOWN)
    return payouts[-1] if troubled else None


def _first(stages: Iterable[Stage], tone: Tone) -> Stage | None:
    return next((stage for stage in stages if stage.tone is tone), None)


def _sums(paid: Iterable[Stage]) -> tuple[tuple[str, int], ...]:
    """Per currency, what was paid and is still theirs, in minor units."""
    sums: dict[str, int] = {}
    for reward in paid:
        left = min(reward.paid_minor, reward.amount_minor or 0)
        if left and reward.currency:
            sums[reward.currency] = sums.get(reward.currency, 0) + left
    return tuple(sorted(sums.items()))
