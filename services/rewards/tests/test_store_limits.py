"""What counting a cap costs, in rows read: a batch pays for itself, not for what was before it."""

import random
from datetime import timedelta

import asyncpg
import pytest
from rewards.domain.limits import LimitBook, Place, limits
from rewards.domain.outcome import Desk
from rewards.domain.values import Reward
from rewards.handlers.due import end_holds
from rewards.settings import RewardsSettings
from rewards.store.limits import lock
from service_kit.events import Cause, DueRow
from service_kit.testing import Harness
from service_kit.transaction import Transaction
from shared_schemas.events.programs import Cap
from shared_schemas.states import VerdictState

from .builders import HOLD, NOON, cap, case, credit, facts, flat_rule, share
from .deciding import heard, only
from .published import credited, judged, world

pytestmark = pytest.mark.real
LATER = NOON + HOLD
MANY = 10_000
CAPS = (cap(100_000_000), cap(rewards=100_000, name="count"))
Rewards = Harness[RewardsSettings]

# Other people's rewards under the caps of c0, so many minutes later (or earlier) than it.
_OTHERS = """
WITH others AS (
    INSERT INTO rewards
    SELECT (jsonb_populate_record(r, jsonb_build_object('reward_id', $1 || n))).*
      FROM rewards AS r, generate_series(1, $2::integer) AS n
     WHERE r.conversion_id = 'c0'
    RETURNING reward_id
)
INSERT INTO limit_claims (limit_id, reward_id, conversion_id, occurred_at, currency, amount_minor,
                          state)
SELECT limit_id, o.reward_id, 'x', occurred_at + $3::interval, currency, amount_minor, $1
  FROM limit_claims, others AS o
 WHERE conversion_id = 'c0'
"""
_READ = """
SELECT sum(pg_stat_get_xact_tuples_returned(oid))::integer FROM pg_class WHERE relname ~ '^limit'
"""


async def _known(harness: Rewards) -> None:
    """Two caps that leave room, and four cleared conversions whose holds have not ended."""
    await harness.hear_table(*world(caps=CAPS))
    for n in range(4):
        at = NOON + n * timedelta(hours=1)
        name = f"c{n}"
        await harness.deliver(
            credited(conversion_id=name, occurred_at=at), judged(conversion_id=name)
        )


async def _others(harness: Rewards, state: str, after: timedelta) -> None:
    await harness.fetch(_OTHERS, state, MANY, after)


async def _rows_read(harness: Rewards, conversion_id: str) -> int:
    """How many rows of limits and claims, and entries of their indexes, one hold's end reads."""
    await harness.fetch("VACUUM ANALYZE limit_claims")
    row = DueRow("hold_ended", conversion_id, LATER, {}, Cause("test", conversion_id, LATER, "c"))
    async with harness.transaction() as tx:
        await end_holds(tx, [row])
        found = await tx.fetchval(_READ)
        states = await tx.fetch("SELECT state FROM rewards WHERE conversion_id = $1", conversion_id)
    assert [row["state"] for row in states] == ["fulfilling"]
    return int(found)


@pytest.mark.parametrize(
    ("state", "after"), [("taken", -timedelta(days=1)), ("waits", timedelta(days=1))]
)
async def test_what_was_taken_before_and_what_waits_behind_costs_nothing_more(
    harness: Rewards, state: str, after: timedelta
) -> None:
    await _known(harness)
    await _rows_read(harness, "c1")
    before = await _rows_read(harness, "c2")
    await _others(harness, state, after)
    assert await _rows_read(harness, "c3") <= before


class Counted:
    """A transaction that counts the rows that come out of it."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.execute = tx.execute
        self.rows = 0

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        rows = await self._tx.fetch(sql, *args)
        self.rows += len(rows)
        return rows


async def _book(harness: Rewards, rewards: list[Reward]) -> tuple[LimitBook, int]:
    wanted = [(limit, Place(*r.terms.place)) for r in rewards for _, limit in limits(r.terms, CAPS)]
    async with harness.transaction() as tx:
        counted = Counted(tx)
        return await lock(counted, wanted, rewards), counted.rows


async def test_what_waits_ahead_is_added_up_not_loaded(harness: Rewards) -> None:
    """Ten thousand wait before c0; c0, c1, c2 and c3 wait, too. All were worth 10.00 EUR."""
    await _known(harness)
    await _others(harness, "waits", -timedelta(days=1))
    rewards = [_reward(f"d{n}", hours) for n, hours in enumerate((-48, 0, 2.5, 2.5, 9))]
    book, rows = await _book(harness, rewards)
    assert rows <= 2 * len(rewards)
    ahead = (0, MANY + 2, MANY + 5, MANY + 6, MANY + 8)  # those of the book included
    for reward, count in zip(rewards, ahead, strict=True):
        assert book.clip(reward, (cap(1_000 * count + 7),))[0] == 7
        assert book.clip(reward, (cap(rewards=count, name="count"),))[0] == 0
        assert book.clip(reward, (cap(rewards=count + 1, name="count"),))[0] == 1_000


def _reward(conversion_id: str, hours: float) -> Reward:
    at = NOON + timedelta(hours=hours)
    desk = Desk(facts=facts(caps=CAPS))
    return only(heard(credit(share(), occurred_at=at), desk=desk, start=case(conversion_id)))


@pytest.mark.parametrize("size", [1, 7, 30])
@pytest.mark.parametrize("limit", [cap(13_500), cap(rewards=25)])
async def test_a_cap_is_the_same_however_its_rewards_are_cut_into_batches(
    harness: Rewards, size: int, limit: Cap
) -> None:
    """Thirty held conversions, three at a time, each with two rewards of two currencies."""
    names = [f"c{n:02}" for n in range(30)]
    rules = (flat_rule(), flat_rule(2_000, name="yen", currency="JPY"))
    await harness.hear_table(*world(*rules, caps=(limit,)))
    at = {name: NOON + timedelta(minutes=n // 3) for n, name in enumerate(names)}
    await harness.deliver(*(credited(conversion_id=c, occurred_at=at[c]) for c in names))
    await harness.fire_due(LATER)
    random.Random(size).shuffle(names)
    for start in range(0, len(names), size):
        some = names[start : start + size]
        await harness.deliver(*(judged(conversion_id=name, at=LATER) for name in some))
    rows = await harness.fetch(
        "SELECT currency, amount_minor FROM rewards ORDER BY occurred_at, conversion_id, reward_id"
    )
    euros = [row["amount_minor"] for row in rows if row["currency"] == "EUR"]
    if limit.amount is not None:
        assert euros == [1_000] * 13 + [500] + [0] * 16
        assert {row["amount_minor"] for row in rows if row["currency"] == "JPY"} == {2_000}
    else:
        assert [row["amount_minor"] > 0 for row in rows] == [True] * 25 + [False] * 35
    assert await harness.fetch("SELECT * FROM limits_miscounted()") == []


async def test_a_total_follows_refunds_and_rejections(harness: Rewards) -> None:
    await harness.hear_table(*world(caps=(cap(2_500), cap(rewards=9, name="count"))))
    for name in ("c0", "c1", "c2"):
        await harness.deliver(credited(conversion_id=name), judged(conversion_id=name))
    await harness.fire_due(LATER)
    assert await _totals(harness) == {(2_500, 3)}
    refund = credited(conversion_id="c0", revision=2, refunded_minor=4_000, at=LATER)
    rejection = judged(VerdictState.REJECTED, conversion_id="c1", revision=2, at=LATER)
    for _ in range(2):
        await harness.deliver(refund, rejection)
        assert await _totals(harness) == {(1_100, 2)}
        await harness.fetch("DELETE FROM kit.inbox")
    assert await harness.fetch("SELECT * FROM limits_miscounted()") == []


async def _totals(harness: Rewards) -> set[tuple[int, int]]:
    rows = await harness.fetch("SELECT amount_minor, rewards FROM limit_totals")
    return {(row["amount_minor"], row["rewards"]) for row in rows}


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE limit_totals SET rewards = 2", "the total is not the sum of the claims"),
        ("UPDATE limit_claims SET state = 'gone'", "the total is not the sum of the claims"),
        ("UPDATE limit_claims SET amount_minor = 1", "the claim is not that of reward"),
        ("DELETE FROM limit_claims", "the claim is not that of reward"),
    ],
)
async def test_a_miscounted_limit_is_found(harness: Rewards, sql: str, problem: str) -> None:
    await harness.hear_table(*world(caps=(cap(2_500),)))
    await harness.deliver(credited(), judged())
    await harness.fire_due(LATER)
    assert await harness.fetch("SELECT * FROM limits_miscounted()") == []
    await harness.fetch(sql)
    rows = await harness.fetch("SELECT problem FROM limits_miscounted()")
    assert [row for row in rows if row["problem"].startswith(problem)]
