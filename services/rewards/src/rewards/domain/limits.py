"""Caps: what is left of a limit for one reward when its hold ends.

Approved rewards count, and those still waiting that come earlier in canonical order; so the answer
does not depend on who asks first, and is never above the cap.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from shared_schemas import ids
from shared_schemas.events.programs import Cap
from shared_schemas.words import CapPer, CapPeriod, Side

from .ledger import month_of
from .values import Reward, Terms, money_text

EVERYBODY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One cap in one period, for one participant or the whole program: the row that is locked."""

    limit_id: str
    program_id: str
    cap_name: str
    scope: str
    period: str


class Place(NamedTuple):
    """Where a reward stands among those that share a limit."""

    occurred_at: datetime
    conversion_id: str
    reward_id: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A reward that may yet take room."""

    place: Place
    currency: str
    amount_minor: int


def limit(terms: Terms, cap: Cap) -> Limit | None:
    """The limit that a reward counts in by a cap. A participant's cap is about referrers only."""
    if cap.per is CapPer.PARTICIPANT and terms.side is not Side.REFERRER:
        return None
    scope = terms.participant_id if cap.per is CapPer.PARTICIPANT else EVERYBODY
    month = cap.period is CapPeriod.MONTH
    period = month_of(terms.occurred_at, terms.zone) if month else cap.period.value
    limit_id = ids.derived("limit", terms.program_id, cap.name, cap.per.value, scope, period)
    return Limit(
        limit_id=limit_id,
        program_id=terms.program_id,
        cap_name=cap.name,
        scope=scope,
        period=period,
    )


def limits(terms: Terms, caps: Sequence[Cap]) -> Iterator[tuple[Cap, Limit]]:
    """Every cap that a reward counts in, with its limit."""
    for cap in caps:
        if (found := limit(terms, cap)) is not None:
            yield cap, found


def limit_ids(terms: Terms, caps: Sequence[Cap]) -> tuple[str, ...]:
    """The ids of the limits that a reward counts in."""
    return tuple(found.limit_id for _, found in limits(terms, caps))


class LimitBook:
    """The locked limits of one batch: what is taken, and who waits. It changes as rewards do."""

    def __init__(self) -> None:
        self._taken: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._count: defaultdict[str, int] = defaultdict(int)
        self._waiting: defaultdict[str, dict[str, Waiting]] = defaultdict(dict)

    def take(self, limit_id: str, currency: str, amount_minor: int, rewards: int) -> None:
        """So many rewards of this limit are approved (negative: no longer)."""
        self._taken[limit_id, currency] += amount_minor
        self._count[limit_id] += rewards

    def wait(self, limit_id: str, waiting: Waiting) -> None:
        """This reward of the limit is not decided yet."""
        self._waiting[limit_id][waiting.place.reward_id] = waiting

    def move(self, before: Reward, after: Reward) -> None:
        """A reward has changed in this batch."""
        currency, place = after.terms.currency, Place(*after.terms.place)
        for limit_id in before.terms.limit_ids:
            self._waiting[limit_id].pop(before.reward_id, None)
            if before.counts:
                self.take(limit_id, currency, -before.amount_minor, -1)
        for limit_id in after.terms.limit_ids:
            if after.waits:
                self.wait(limit_id, Waiting(place, currency, after.amount_minor))
            elif after.counts:
                self.take(limit_id, currency, after.amount_minor, 1)

    def clip(self, reward: Reward, caps: Sequence[Cap]) -> tuple[int, tuple[str, ...]]:
        """What may be approved of a reward, and why it is not all of it."""
        allowed, lines = reward.amount_minor, []
        for cap, found in limits(reward.terms, caps):
            left = self._left(cap, found, reward)
            if left is not None and left.amount_minor < allowed:
                allowed = left.amount_minor
                lines.append(left.line)
        return allowed, tuple(lines)

    def _left(self, cap: Cap, found: Limit, reward: Reward) -> "_Left | None":
        earlier = [
            one
            for one in self._waiting[found.limit_id].values()
            if one.place < Place(*reward.terms.place)
        ]
        where = f"Cap {cap.name} of program {found.program_id} ({found.period}, {found.scope})"
        if cap.rewards is not None:
            count = cap.rewards - self._count[found.limit_id] - len(earlier)
            if count <= 0:
                return _Left(0, f"{where}: all {cap.rewards} rewards are taken.")
        currency = reward.terms.currency
        if cap.amount is None or cap.amount.currency != currency:
            return None
        taken = self._taken[found.limit_id, currency] + _sum(earlier, currency)
        left = max(cap.amount.amount_minor - taken, 0)
        return _Left(left, f"{where}: {money_text(left, currency)} of {cap.amount} were left.")


@dataclass(frozen=True, slots=True)
class _Left:
    amount_minor: int
    line: str


def _sum(waiting: Iterable[Waiting], currency: str) -> int:
    return sum(one.amount_minor for one in waiting if one.currency == currency)
