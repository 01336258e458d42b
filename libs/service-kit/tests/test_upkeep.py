"""Housekeeping: days made ahead, old ones dropped, but never what is not published."""

from datetime import timedelta

import asyncpg
import pytest
from service_kit import due, upkeep
from service_kit.testing import Harness, event
from shop import OrderPlaced, shop

pytestmark = pytest.mark.real


async def partitions(harness: Harness, parent: str) -> list[str]:
    rows = await harness.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
        " WHERE inhparent = $1::regclass ORDER BY 1",
        f"kit.{parent}",
    )
    return [row["name"] for row in rows]


async def test_days_are_made_ahead_once(harness):
    async with harness.runtime.pool.acquire() as connection:
        await upkeep.make_days(connection, 20)
        made = await partitions(harness, "outbox")
        await upkeep.make_days(connection, 20)
    assert made == await partitions(harness, "outbox")
    assert len(made) == 22  # yesterday, today, twenty ahead
    assert len(await partitions(harness, "inbox")) in (4, 5)


async def forget_days(harness: Harness) -> None:
    """As after a down-time of more days than are made ahead."""
    for parent in ("inbox", "outbox"):
        for name in await partitions(harness, parent):
            await harness.fetch(f"DROP TABLE {name}")


async def test_a_start_makes_the_days_that_are_missing(shop_database, harness):
    await forget_days(harness)
    async with Harness(shop(), shop_database) as later:
        await later.deliver(event(OrderPlaced(order_id="o1")))
        assert len(await later.emitted_all()) == 1


async def test_a_missing_day_is_nobodys_fault(harness):
    """A process that slept through the days it had made must not park what it meets first."""
    await harness.deliver(event(OrderPlaced(order_id="o1", ship_after_seconds=1)))
    await forget_days(harness)
    with pytest.raises(due.Stuck):
        await harness.fire_due(until=harness.runtime.now())
    with pytest.raises(asyncpg.CheckViolationError):
        await harness.deliver(event(OrderPlaced(order_id="o2")))
    assert await harness.parked() == []
    await harness.upkeep(harness.runtime.now())
    assert await harness.fire_due(until=harness.runtime.now()) == 1


async def test_old_partitions_go_but_an_unpublished_row_keeps_its_own(harness):
    await harness.deliver(event(OrderPlaced(order_id="o1")))
    later = harness.runtime.now() + timedelta(days=60)
    before = await partitions(harness, "outbox")
    async with harness.runtime.pool.acquire() as connection:
        await upkeep.drop_days(connection, "inbox", later)
        await upkeep.drop_days(connection, "outbox", later)
    assert await partitions(harness, "inbox") == []
    [kept] = await partitions(harness, "outbox")
    assert kept in before
    assert len(await harness.emitted_all()) == 1


async def test_upkeep_leaves_what_is_young(harness):
    before = await partitions(harness, "inbox"), await partitions(harness, "outbox")
    await harness.upkeep(harness.runtime.now())
    assert (await partitions(harness, "inbox"), await partitions(harness, "outbox")) == before


async def test_done_due_rows_are_forgotten_after_their_time(harness):
    await harness.deliver(event(OrderPlaced(order_id="o1", ship_after_seconds=1)))
    await harness.fire_due(until=harness.runtime.now())
    await harness.upkeep(harness.runtime.now())
    assert len(await harness.fetch("SELECT FROM kit.due")) == 1
    await harness.upkeep(harness.runtime.now() + timedelta(days=31))
    assert await harness.fetch("SELECT FROM kit.due") == []
