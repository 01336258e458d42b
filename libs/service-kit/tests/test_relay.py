"""The relay on a real broker: everything, in order per key, whatever the database is up to."""

import asyncio
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import pytest_asyncio
from kit_stack import Stack, eventually, make_topics, published
from service_kit import outbox
from service_kit.events import Cause
from service_kit.relay import Floor, Relay
from service_kit.runtime import Runtime
from service_kit.transaction import Emission
from shared_schemas.envelope import Envelope
from shop import OrderTaken

pytestmark = pytest.mark.real


@pytest_asyncio.fixture(loop_scope="session")
async def runtime(stack: Stack):
    running = await stack.runtime()
    yield running
    await running.producer.stop()
    await running.close_pool()


@asynccontextmanager
async def relaying(*runtimes: Runtime):
    stop = asyncio.Event()
    tasks = [asyncio.create_task(Relay(runtime).run(stop)) for runtime in runtimes]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def say(runtime: Runtime, *steps: int, key: str = "o1") -> None:
    async with runtime.transaction() as tx:
        for step in steps:
            cause = Cause("test", f"{key}-{step}", runtime.now(), "c")
            tx.emit(OrderTaken(order_id=key, step=step), cause=cause)


def steps_by_key(records) -> dict[bytes, list[int]]:
    found = defaultdict(list)
    for record in records:
        found[record.key].append(OrderTaken.model_validate_json(record.value).step)
    return found


async def unpublished(runtime: Runtime) -> int:
    return await runtime.pool.fetchval("SELECT count(*) FROM kit.outbox WHERE published_at IS NULL")


async def until_published(runtime: Runtime) -> None:
    async def all_published() -> bool:
        return not await unpublished(runtime)

    await eventually(all_published)


async def test_a_record_is_a_cloud_event_under_its_key(stack, runtime):
    async with relaying(runtime):
        await say(runtime, 1)
        [record] = await published(stack, 1)
    envelope = Envelope.from_headers(record.headers)
    assert (envelope.source, envelope.event_type, record.key) == ("shop", OrderTaken.TYPE, b"o1")
    assert OrderTaken.model_validate_json(record.value) == OrderTaken(order_id="o1", step=1)


async def test_a_commit_wakes_the_relay(stack, runtime):
    slow = await stack.runtime(relay_poll_seconds=30)
    async with relaying(slow):
        await say(slow, 1)
        await until_published(slow)
        began = time.monotonic()
        await say(slow, 2)
        await until_published(slow)
    assert time.monotonic() - began < 1
    await slow.producer.stop()
    await slow.close_pool()


async def test_a_slow_transaction_with_a_lower_seq_is_not_skipped(stack, runtime):
    async with relaying(runtime):
        async with runtime.transaction() as slow:
            slow.emit(OrderTaken(order_id="slow"), cause=Cause("test", "slow", runtime.now(), "c"))
            await outbox.write(slow)
            for step in range(30):  # enough cycles to settle a floor above the open transaction
                await say(runtime, step)
                await until_published(runtime)
        await until_published(runtime)
    records = await published(stack, 31)
    assert sorted(steps_by_key(records)) == [b"o1", b"slow"]


async def test_order_per_key_holds_under_two_relays(stack, runtime):
    second = await stack.runtime()
    async with relaying(runtime, second):
        for first in range(0, 200, 10):
            for key in ("a", "b", "c", "d", "e", "f"):
                await say(runtime, *range(first, first + 10), key=key)
        await until_published(runtime)
    await second.producer.stop()
    await second.close_pool()
    for steps in steps_by_key(await published(stack, 1200)).values():
        assert steps == list(range(200))


async def test_an_old_snapshot_does_not_slow_the_relay_down(stack, runtime):
    """A poll of all unpublished rows goes from 2 to 60 ms here; the floor keeps it flat."""
    reader = await runtime.database.connect()
    await reader.execute(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT count(*) FROM kit.outbox"
    )
    relay, connection = Relay(runtime), await runtime.database.connect()
    await relay._begin(connection)

    async def cycles(count: int) -> float:
        times = []
        for n in range(count):
            await say(runtime, n)
            began = time.monotonic()
            assert await relay.cycle(connection) == 1
            times.append(time.monotonic() - began)
        return sorted(times)[count // 2]

    before = await cycles(20)
    for first in range(0, 50_000, 1_000):
        await say(runtime, *range(first, first + 1_000), key=f"k{first}")
        while await relay.cycle(connection):
            pass
    after = await cycles(20)
    hot = await runtime.pool.fetchrow(
        "SELECT sum(n_tup_hot_upd) AS hot, sum(n_tup_upd) AS all FROM pg_stat_user_tables"
        " WHERE relname LIKE 'outbox_%'"
    )
    await reader.close()
    await connection.close()
    assert after < 3 * before + 0.005, (before, after)
    assert float(hot["hot"]) > 0.9 * float(hot["all"])


async def test_a_missing_topic_holds_up_no_other(stack, runtime):
    await say(runtime, 1)
    async with runtime.transaction() as tx:
        tx.emissions.append(Emission("shop.nowhere", b"k", [], b"{}"))
        tx.emissions.append(Emission("web.orders.dlq.shop", b"k", [], b"{}"))
    async with relaying(runtime):
        await say(runtime, 2)
        assert len(await published(stack, 2)) == 2

        async def only_the_event_is_left() -> bool:
            return await unpublished(runtime) == 1

        await eventually(only_the_event_is_left)
    await make_topics(stack, ("shop.nowhere", 1))
    later = await stack.runtime()
    async with relaying(later):
        assert len(await published(stack, 1, "shop.nowhere")) == 1
    await later.producer.stop()
    await later.close_pool()


async def test_while_kafka_is_away_rows_stay_and_nothing_is_marked(stack):
    away = await stack.runtime(kafka="127.0.0.1:1", relay_deadline_seconds=0.5)
    await say(away, 1)
    connection = await away.database.connect()
    with pytest.raises(Exception, match=r"KafkaConnectionError|acknowledged|bootstrap"):
        await Relay(away).cycle(connection)
    assert await unpublished(away) == 1
    await connection.close()
    await away.producer.stop()
    await away.close_pool()


async def test_what_a_lost_kafka_held_is_published_again_in_order(stack, runtime):
    async with relaying(runtime):
        await say(runtime, 1, 2, 3)
        await until_published(runtime)
        async with runtime.pool.acquire() as connection:
            assert await outbox.republish(connection, runtime.now() - timedelta(hours=1)) == 3
        runtime.outbox_written.set()
        await until_published(runtime)
    records = await published(stack, 6)
    assert [OrderTaken.model_validate_json(r.value).step for r in records] == [1, 2, 3, 1, 2, 3]


async def test_a_database_that_gives_numbers_again_is_believed(stack, runtime):
    """After a crash or failover the sequence may be behind what this process has seen."""
    await say(runtime, 1)
    relay = Relay(runtime)
    connection = await runtime.database.connect()
    try:
        relay._floor = Floor(seq=1_000_000, generation=0)
        await relay._begin(connection)
        assert await relay.cycle(connection) == 1
    finally:
        await connection.close()
    assert await unpublished(runtime) == 0
