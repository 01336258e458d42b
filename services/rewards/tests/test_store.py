"""What the database itself defends, and what two instances at once cannot break."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import asyncpg
import pytest
from rewards.__main__ import SERVICE
from rewards.domain.ledger import month_of
from rewards.payments import execute_due, open_rails
from rewards.settings import RewardsSettings
from service_kit.testing import Harness
from shared_schemas.events.rewards import RewardChanged
from shared_schemas.states import VerdictState
from shared_schemas.words import CapPeriod

from .builders import HELD, HOLD, NOON, cap, flat_rule, settings, share
from .published import credited, judged, world

pytestmark = pytest.mark.real
LATER = NOON + HOLD
Rewards = Harness[RewardsSettings]
_ADD_TRANSFER = """
INSERT INTO transfers (transfer_id, reward_id, purpose, amount_minor, currency, posted_at, month)
SELECT 'by-hand', reward_id, 'hold', 5, 'EUR', now(), '2026-01' FROM rewards LIMIT 1
"""
_ADD_LEG = """
INSERT INTO entries (transfer_id, leg, account_id, currency, amount_minor, previous_minor,
                     balance_minor, version)
VALUES ('by-hand', $1, 'pending/p1/EUR', 'EUR', $2::bigint, 0, $2, 100 + $2)
"""


async def _one_reward(harness: Rewards) -> None:
    await harness.hear_table(*world())
    await harness.deliver(credited())


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entries SET amount_minor = 1",
        "DELETE FROM entries",
        "UPDATE transfers SET amount_minor = 1",
        "DELETE FROM transfers",
        "TRUNCATE entries",
        "UPDATE reward_steps SET reason = 'because'",
    ],
)
async def test_a_change_made_by_hand_is_refused(harness: Rewards, sql: str) -> None:
    await _one_reward(harness)
    with pytest.raises(asyncpg.RestrictViolationError, match="never changed"):
        await harness.fetch(sql)


@pytest.mark.parametrize("legs", [[], [(1, 5)], [(1, 5), (2, -4)]])
async def test_a_transfer_that_does_not_balance_is_refused(
    harness: Rewards, legs: list[tuple[int, int]]
) -> None:
    await _one_reward(harness)
    with pytest.raises(asyncpg.CheckViolationError, match="by-hand"):
        await _transfer_by_hand(harness, legs)


async def _transfer_by_hand(harness: Rewards, legs: list[tuple[int, int]]) -> None:
    async with harness.transaction() as tx:
        await tx.execute(_ADD_TRANSFER)
        for leg in legs:
            await tx.execute(_ADD_LEG, *leg)


async def test_a_transfer_gains_no_third_leg(harness: Rewards) -> None:
    await _one_reward(harness)
    with pytest.raises(asyncpg.UniqueViolationError):
        await harness.fetch(
            """
            INSERT INTO entries SELECT transfer_id, leg, account_id, currency, 7, 0, 7, 99
              FROM entries
            """
        )


@pytest.mark.parametrize("kind", ["pending", "receivable"])
async def test_accounts_have_a_floor_or_a_ceiling(harness: Rewards, kind: str) -> None:
    sign = -1 if kind == "pending" else 1
    with pytest.raises(asyncpg.CheckViolationError):
        await harness.fetch("INSERT INTO accounts VALUES ($1, $1, 'p1', 'EUR', $2, 1)", kind, sign)


async def test_a_tampered_balance_is_found(harness: Rewards) -> None:
    await _one_reward(harness)
    assert await harness.fetch("SELECT * FROM ledger_broken_accounts()") == []
    await harness.fetch("UPDATE accounts SET balance_minor = 7 WHERE kind = 'pending'")
    (broken,) = await harness.fetch("SELECT account_id FROM ledger_broken_accounts()")
    assert broken["account_id"] == "pending/p1/EUR"


async def test_a_cap_holds_under_two_hundred_at_once(harness: Rewards, database_url: str) -> None:
    """Two instances resolve 200 held rewards in parallel, one event a batch."""
    names = [f"c{n:03d}" for n in range(200)]
    await harness.hear_table(*world(caps=(cap(10_500), cap(rewards=100, name="count"))))
    await harness.deliver(*(credited(conversion_id=name) for name in names))
    await harness.fire_due(LATER)
    async with Harness(SERVICE, database_url, settings(database_url)) as other:
        at = LATER + timedelta(days=1)
        await asyncio.gather(
            *(
                (harness, other)[n % 2].deliver(judged(conversion_id=name, at=at))
                for n, name in enumerate(reversed(names))
            )
        )
    rows = await harness.fetch(
        "SELECT conversion_id, amount_minor FROM rewards WHERE amount_minor > 0 ORDER BY 1"
    )
    assert [row["amount_minor"] for row in rows] == [1_000] * 10 + [500]
    assert [row["conversion_id"] for row in rows] == names[:11]
    await _books_balance(harness)


async def test_two_instances_give_the_result_of_one(harness: Rewards, database_url: str) -> None:
    """Credits on one, verdicts on the other, at once; then both end the holds."""
    names = [f"c{n:03d}" for n in range(60)]
    await harness.hear_table(*world(caps=(cap(40_000, period=CapPeriod.MONTH),)))
    async with Harness(SERVICE, database_url, settings(database_url)) as other:
        calls = []
        for start in range(0, len(names), 6):
            some = names[start : start + 6]
            credits_ = [
                credited(share(f"p{n % 5 + 1}"), conversion_id=c) for n, c in enumerate(some)
            ]
            calls.append(harness.deliver(*credits_))
            calls.append(other.deliver(*(judged(conversion_id=c) for c in reversed(some))))
        await asyncio.gather(*calls)
        await asyncio.gather(harness.fire_due(LATER), other.fire_due(LATER))
    rows = await harness.fetch("SELECT conversion_id FROM rewards WHERE state = 'fulfilling'")
    assert sorted(row["conversion_id"] for row in rows) == names[:40]
    assert await harness.parked() == []
    await _books_balance(harness)


async def test_the_sum_over_events_is_the_ledger_by_currency_and_month(harness: Rewards) -> None:
    await harness.hear_table(
        *world(flat_rule(), flat_rule(2_000, name="yen", currency="JPY"), caps=(cap(2_500),))
    )
    await harness.deliver(*(credited(conversion_id=f"c{n}") for n in range(4)))
    await harness.deliver(*(judged(conversion_id=f"c{n}") for n in range(4)))
    await harness.fire_due(LATER)
    async with open_rails(harness.runtime) as rails:
        while await execute_due(harness.runtime, rails):
            pass
    await harness.deliver(credited(conversion_id="c0", revision=2, refunded_minor=3_000, at=LATER))
    rejected = judged(VerdictState.REJECTED, conversion_id="c1", revision=2, at=LATER + HELD)
    await harness.deliver(rejected)
    late = credited(conversion_id="c9", first_reported_at=LATER + HELD, at=LATER + HELD)
    await harness.deliver(late, judged(conversion_id="c9"))
    await harness.fire_due(LATER + HELD + HOLD)
    assert await _by_events(harness) == await _by_ledger(harness)
    await _books_balance(harness)


AMOUNTS = ("pending", "approved", "paid", "reversed", "netted")


async def _by_events(harness: Rewards) -> dict[tuple[str, str], dict[str, int]]:
    """What a subscriber adds up: the growth of each amount in the month it is posted in."""
    found: dict[tuple[str, str], Counter[str]] = {}
    last: dict[str, Counter[str]] = {}
    for event in await harness.emitted_all():
        data = event.data
        if not isinstance(data, RewardChanged):
            continue
        now = Counter({name: getattr(data, f"{name}_minor") for name in AMOUNTS})
        before = last.get(data.reward_id, Counter())
        month = _month(data.posted_at)
        for name in AMOUNTS:
            if now[name] != before[name]:
                found.setdefault((data.currency, month), Counter())[name] += (
                    now[name] - before[name]
                )
        last[data.reward_id] = now
    return {
        key: {n: v for n, v in sums.items() if v}
        for key, sums in found.items()
        if any(sums.values())
    }


async def _by_ledger(harness: Rewards) -> dict[tuple[str, str], dict[str, int]]:
    sign = {
        "hold": ("pending", 1),
        "release": ("pending", -1),
        "post": ("approved", 1),
        "settle": ("paid", 1),
        "reverse": ("reversed", 1),
        "claw_back": ("reversed", 1),
        "net": ("netted", 1),
    }
    found: dict[tuple[str, str], Counter[str]] = {}
    for row in await harness.fetch("SELECT currency, month, purpose, amount_minor FROM transfers"):
        if row["purpose"] in sign:
            name, by = sign[row["purpose"]]
            sums = found.setdefault((row["currency"], row["month"]), Counter())
            sums.update({name: by * row["amount_minor"]})
    return _without_zeros(found)


def _without_zeros(
    found: dict[tuple[str, str], Counter[str]],
) -> dict[tuple[str, str], dict[str, int]]:
    return {key: {name: v for name, v in sums.items() if v} for key, sums in found.items()}


def _month(moment: datetime) -> str:
    return month_of(moment, "Europe/Berlin")


async def _books_balance(harness: Rewards) -> None:
    rows = await harness.fetch("SELECT imbalance_minor FROM ledger_imbalance()")
    assert {row["imbalance_minor"] for row in rows} == {0}
    assert await harness.fetch("SELECT * FROM ledger_unexplained_accounts()") == []
    assert await harness.fetch("SELECT * FROM ledger_broken_rewards()") == []
    assert await harness.fetch("SELECT * FROM ledger_broken_accounts()") == []
    assert await harness.fetch("SELECT * FROM limits_miscounted()") == []
