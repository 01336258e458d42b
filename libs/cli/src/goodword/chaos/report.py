"""What a run showed, for people and as JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

from .checker import CREDITS, PARKED
from .effects import newest
from .history import History, Violation

_SHOWN = 50
_LOST = "lost"
_DOUBLED = ("doubled", "twice", "two payments")
_UNBALANCED = ("imbalance", "balance is")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Counts, and every violation."""

    seed: int
    seconds: float
    kills: dict[str, int]
    kills_total: int
    kills_in_flight: int
    conversions_acknowledged: int
    conversions: dict[str, int]
    redelivered: int
    planted: int
    parked: int
    records: int
    touches: int
    rewards: int
    mails: int
    payments: int
    webhooks: int
    lost: int
    doubled: int
    imbalance: int
    violations_total: int
    violations: Sequence[Violation]

    @classmethod
    def of(
        cls,
        history: History,
        violations: Sequence[Violation],
        *,
        seed: int,
        redelivered: int,
        seconds: float,
    ) -> Self:
        """Counted from a history and its verdict."""
        ended = newest(history, CREDITS, "conversion_id").values()
        told = {each.conversion_id for each in history.acknowledged if each.conversion_id}
        return cls(
            seed=seed,
            seconds=round(seconds, 1),
            kills=dict(Counter(kill.victim for kill in history.kills)),
            kills_total=len(history.kills),
            kills_in_flight=sum(kill.in_flight is True for kill in history.kills),
            conversions_acknowledged=len(told),
            conversions=dict(Counter(body["state"] for body in ended)),
            redelivered=redelivered,
            planted=len(history.planted),
            parked=len(history.facts.get(PARKED, ())),
            records=len(history.records),
            touches=len(history.tables.touches),
            rewards=len(history.tables.rewards),
            mails=len(history.mails),
            payments=len(history.payments),
            webhooks=len(history.webhooks),
            lost=sum(_LOST in each.rule for each in violations),
            doubled=sum(any(w in each.rule for w in _DOUBLED) for each in violations),
            imbalance=sum(each.rule.startswith(_UNBALANCED) for each in violations),
            violations_total=len(violations),
            violations=violations[:_SHOWN],
        )

    @property
    def held(self) -> bool:
        """Whether every promise held, and the kills were worth something."""
        return not self.violations_total and 2 * self.kills_in_flight >= self.kills_total

    def to_json(self) -> dict[str, object]:
        """All of it."""
        return asdict(self) | {"held": self.held}

    def lines(self) -> list[str]:
        """What a person wants to know, one fact a line."""
        by_victim = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        states = ", ".join(f"{count:,} {name}" for name, count in sorted(self.conversions.items()))
        return [
            f"seed {self.seed}, {self.seconds:.0f} s",
            f"{self.kills_total} kills ({by_victim}), {self.kills_in_flight} with work in flight",
            f"{self.conversions_acknowledged:,} conversions acknowledged: {states}",
            f"{self.records:,} records, {self.redelivered:,} of them on purpose once more",
            f"{self.touches:,} touches, {self.rewards:,} rewards, {self.payments:,} payments, "
            f"{self.mails:,} mails, {self.webhooks:,} webhooks",
            f"{self.planted} to be parked, {self.parked} parked",
            f"{self.lost} lost, {self.doubled} doubled, {self.imbalance} imbalance, "
            f"{self.violations_total} violations",
            *(f"  {each.rule}: {each.what}" for each in self.violations),
        ]
