"""Caps: what is left of a limit for one reward when its hold ends.

Approved rewards count, and those still waiting that come earlier in canonical order; so the answer
does not depend on who asks first, and is never above the cap.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct, field
from shared_schemas import ids
from shared_schemas.events.programs import Cap
from shared_schemas.words import CapPer, CapPeriod, Side

from .ledger import month_of
from .values import Reward, Terms, money_text

EVERYBODY = "*"


class Limit(Struct, frozen=True, kw_only=True):
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


class Waiting(Struct, frozen=True):
    """A reward that may yet take room."""

    place: Place
    currency: str
    amount_minor: int


class Tally(Struct):
    """So many rewards of a limit, and what they are worth by currency."""

    rewards: int = 0
    minor: Counter[str] = field(default_factory=Counter)

    def add(self, currency: str, amount_minor: int, rewards: int) -> None:
        """So many more (negative: fewer)."""
        self.rewards += rewards
        self.minor[currency] += amount_minor

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        minor = self.minor.copy()
        minor.update(other.minor)
        return Tally(self.rewards + other.rewards, minor)


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
    """The locked limits of one batch: what is taken, and who waits. It changes as rewards do.

    The batch's own waiting rewards are known one by one, all others only as what is ahead of a
    place: a book is as large as its batch.
    """

    def __init__(self) -> None:
        self._taken: defaultdict[str, Tally] = defaultdict(Tally)
        self._ahead: dict[tuple[str, Place], Tally] = {}
        self._waiting: defaultdict[str, list[Waiting]] = defaultdict(list)

    def take(self, limit_id: str, currency: str, amount_minor: int, rewards: int) -> None:
        """So many rewards of this limit are approved (negative: no longer)."""
        self._taken[limit_id].add(currency, amount_minor, rewards)

    def ahead(self, limit_id: str, place: Place, waiting: Tally) -> None:
        """So much waits before this place, beside the rewards of the batch."""
        self._ahead[limit_id, place] = waiting

    def wait(self, reward: Reward) -> None:
        """This reward of the batch is not decided yet."""
        place = Place(*reward.terms.place)
        waiting = Waiting(place, reward.terms.currency, reward.amount_minor)
        for limit_id in reward.terms.limit_ids:
            insort(self._waiting[limit_id], waiting, key=_place)

    def move(self, before: Reward, after: Reward) -> None:
        """A reward has changed in this batch."""
        if before.waits:
            self._forget(before)
        elif before.counts:
            self._count(before, -1)
        if after.waits:
            self.wait(after)
        elif after.counts:
            self._count(after, 1)

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
        gone = self._gone(found.limit_id, Place(*reward.terms.place))
        where = f"Cap {cap.name} of program {found.program_id} ({found.period}, {found.scope})"
        if cap.rewards is not None and gone.rewards >= cap.rewards:
            return _Left(0, f"{where}: all {cap.rewards} rewards are taken.")
        currency = reward.terms.currency
        if cap.amount is None or cap.amount.currency != currency:
            return None
        left = max(cap.amount.amount_minor - gone.minor[currency], 0)
        return _Left(left, f"{where}: {money_text(left, currency)} of {cap.amount} were left.")

    def _gone(self, limit_id: str, place: Place) -> Tally:
        """What a reward at this place finds taken, or kept for those that wait before it."""
        gone = self._taken[limit_id].plus(self._ahead.get((limit_id, place), Tally()))
        waiting = self._waiting[limit_id]
        for one in waiting[: bisect_left(waiting, place, key=_place)]:
            gone.add(one.currency, one.amount_minor, 1)
        return gone

    def _count(self, reward: Reward, sign: int) -> None:
        for limit_id in reward.terms.limit_ids:
            self.take(limit_id, reward.terms.currency, sign * reward.amount_minor, sign)

    def _forget(self, reward: Reward) -> None:
        place = Place(*reward.terms.place)
        for limit_id in reward.terms.limit_ids:
            waiting = self._waiting[limit_id]
            at = bisect_left(waiting, place, key=_place)
            if at < len(waiting) and waiting[at].place == place:
                del waiting[at]


class _Left(Struct, frozen=True):
    amount_minor: int
    line: str


def _place(waiting: Waiting) -> Place:
    return waiting.place
