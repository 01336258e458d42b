"""What came of the journeys, as topics, the hub and the world outside tell it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from shared_schemas import ids
from shared_schemas.event import EventData
from shared_schemas.events.attribution import (
    ConversionCredited,
    ConversionDecided,
    ConversionUnattributed,
)
from shared_schemas.events.crm import OpportunityChanged
from shared_schemas.events.fraud import CreditCleared, CreditHeld, CreditJudged, CreditRejected
from shared_schemas.events.notifications import MessageChanged
from shared_schemas.events.parked import EventParked, EventReleased
from shared_schemas.events.rewards import PayoutChanged, RewardChanged
from shared_schemas.events.tracking import ConversionRecorded, Touch
from shared_schemas.money import Money
from shared_schemas.states import MessageState, PayoutState, ReferralStage

from .tape import Heard, Tape

TOPICS = (
    "tracking.touches",
    "tracking.conversions",
    "crm.opportunities",
    "attribution.credits",
    "attribution.parked",
    "fraud.verdicts",
    "rewards.rewards",
    "rewards.payouts",
    "notifications.deliveries",
)
Document = dict[str, Any]
E = TypeVar("E", bound=EventData)
_DECISIONS = (ConversionCredited, ConversionUnattributed)
_VERDICTS = (CreditCleared, CreditHeld, CreditRejected)


@dataclass(frozen=True, slots=True)
class Final:
    """The newest state of everything, by its id."""

    touches: Mapping[str, Touch]
    conversions: Mapping[str, ConversionDecided]
    verdicts: Mapping[str, CreditJudged]
    rewards: Mapping[str, RewardChanged]
    payouts: Mapping[str, PayoutChanged]
    messages: Mapping[str, MessageChanged]
    reports: Sequence[str]  # the conversion of each report, also of repeated ones
    parked: int

    @classmethod
    def of(cls, tape: Tape) -> "Final":
        """What the topics say at last."""
        return cls(
            touches={heard.data.touch_id: heard.data for heard in tape.of(Touch)},
            conversions=_newest(tape.of(*_DECISIONS), "conversion_id", "revision"),
            verdicts=_newest(
                tape.of(*_VERDICTS), "conversion_id", "credit_revision", "verdict_revision"
            ),
            rewards=_newest(tape.of(RewardChanged), "reward_id", "revision"),
            payouts=_newest(tape.of(PayoutChanged), "payout_id", "revision"),
            messages=_newest(tape.of(MessageChanged), "delivery_id", "revision"),
            reports=_reports(tape),
            parked=len(tape.of(EventParked)) - len(tape.of(EventReleased)),
        )

    def totals(self) -> dict[str, int]:
        """The numbers that follow from topics alone."""
        states = Counter(message.state for message in self.messages.values())
        paid = [one for one in self.payouts.values() if one.state is PayoutState.SETTLED]
        return {
            "touches": len(self.touches),
            "conversions": len(self.conversions),
            "credits": sum(len(_shares(one)) for one in self.conversions.values()),
            "verdicts": len(self.verdicts),
            "rewards": len(self.rewards),
            "messages": states[MessageState.SENT],
            "payouts": len(paid),
            "duplicates_absorbed": len(self.reports) - len(set(self.reports)),
            "parked": self.parked,
        }

    def conversion(self, conversion_id: str) -> Document:
        """One conversion with all that followed, in the words of `expected.yaml`."""
        decided = self.conversions.get(conversion_id)
        if decided is None:
            return {"state": "never heard of"}
        verdict = self.verdicts.get(conversion_id)
        rewards = [one for one in self.rewards.values() if one.conversion_id == conversion_id]
        return {
            "state": decided.state.value,
            "amount": _money(decided.amount_minor, decided.currency),
            "refunded": _money(decided.refunded_minor, decided.currency),
            "credits": {
                share.participant_id: _money(share.amount_minor, decided.currency)
                for share in _shares(decided)
            },
            "refused": {one.participant_id: one.why for one in decided.refused},
            "because": decided.reason,
            "verdict": verdict.state.value if verdict else None,
            "because_verdict": " ".join(one.why for one in verdict.contributions)
            if verdict
            else "",
            "rewards": {f"{one.beneficiary_id}/{one.rule_name}": _reward(one) for one in rewards},
            "messages": self._messages(conversion_id),
        }

    def _messages(self, conversion_id: str) -> dict[str, int]:
        about = [m for m in self.messages.values() if m.conversion_id == conversion_id]
        return dict(
            Counter(
                m.channel.value if m.state is MessageState.SENT else f"{m.channel} {m.state}"
                for m in about
            )
        )


def sums(rewards: Iterable[RewardChanged]) -> dict[str, dict[str, int]]:
    """Per beneficiary and currency, what a statement says: the sums of its rewards' own sums."""
    found: dict[str, Counter[str]] = {}
    for one in rewards:
        of_one = found.setdefault(one.beneficiary_id, Counter())
        for name in ("pending", "approved", "paid", "reversed", "netted"):
            of_one[f"{name} {one.currency}"] += getattr(one, f"{name}_minor")
    return {beneficiary: dict(of_one) for beneficiary, of_one in found.items()}


def _newest(heard: Sequence[Heard[E]], key: str, *revision: str) -> dict[str, E]:
    """The highest revision of each; a later record of the same one is the same."""
    in_order = sorted(
        (one.data for one in heard), key=lambda data: [getattr(data, name) for name in revision]
    )
    return {getattr(data, key): data for data in in_order}


def _reports(tape: Tape) -> list[str]:
    told = [heard.data.conversion_id for heard in tape.of(ConversionRecorded)]
    won = [
        heard.data
        for heard in tape.of(OpportunityChanged)
        if heard.data.stage is ReferralStage.WON and heard.data.amount_minor is not None
    ]
    return told + [ids.conversion_id("sale", w.order_reference or w.record_id) for w in won]


def _shares(decided: ConversionDecided) -> Sequence[Any]:
    return decided.shares if isinstance(decided, ConversionCredited) else ()


def _reward(reward: RewardChanged) -> Document:
    return {
        "state": reward.state.value,
        "worth": _money(reward.amount_minor, reward.currency),
        "paid": _money(reward.paid_minor, reward.currency),
        "reversed": _money(reward.reversed_minor, reward.currency),
    }


def _money(amount_minor: int, currency: str | None) -> str:
    return str(Money.of(amount_minor, currency)) if currency else str(amount_minor)
