"""The consumer on a real broker: bad records, rebalances, failing surroundings, refused commits."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from kit_stack import Stack, eventually, record, send
from prometheus_client import REGISTRY
from service_kit.consumer import Consumer, Fatal
from service_kit.producer import Producer, Record
from service_kit.runtime import Runtime
from shop import OrderPlaced, closed, gates, looks

pytestmark = pytest.mark.real


@pytest_asyncio.fixture(loop_scope="session")
async def producer(stack: Stack):
    running = Producer(stack.settings())
    yield running
    await running.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def runtime(stack: Stack):
    running = await stack.runtime()
    yield running
    closed.clear()
    await running.close_pool()


@asynccontextmanager
async def consuming(runtime: Runtime, ordinal: int = 0):
    stop = asyncio.Event()
    consumer = Consumer(runtime, ordinal=ordinal)
    task = asyncio.create_task(consumer.run(stop))
    try:
        yield consumer
    finally:
        stop.set()
        await asyncio.wait_for(task, 15)


def order(number: int, **changes) -> Record:
    return record(OrderPlaced(order_id=f"o{number}"), number, **changes)


async def orders(runtime: Runtime) -> list[str]:
    rows = await runtime.pool.fetch("SELECT order_id, times FROM orders ORDER BY place")
    assert all(row["times"] == 1 for row in rows)
    return [row["order_id"] for row in rows]


async def until(runtime: Runtime, count: int, seconds: float = 20) -> None:
    async def enough() -> bool:
        return len(await orders(runtime)) >= count

    await eventually(enough, seconds)


def counted(result: str) -> float:
    name, labels = "goodword_events_handled_total", {"type": OrderPlaced.TYPE, "result": result}
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_bad_records_of_every_kind_are_parked_and_the_others_go_on(producer, runtime):
    big = b'{"order_id": "o9", "product": "' + b"x" * 2_000 + b'"}'
    small = await_settings(runtime, event_max_bytes=1_000)
    bad = {
        "bad_envelope": order(1, header_ce_id=b"\xff\xfe"),
        "bad_envelope 2": order(2, header_ce_time=b"yesterday"),
        "bad_envelope 3": order(3, header_ce_type=b""),
        "invalid_body": order(4, body=b"{"),
        "invalid_body 2": order(5, body=b'{"order_id": 7}'),
        "null_body": order(6, body=None),
        "oversized": order(7, body=big),
        "unknown_version": order(8, header_ce_type=b"order.placed.v9"),
    }
    unknown = order(9, header_ce_type=b"shop.robbed.v1")
    await send(producer, order(101), *bad.values(), unknown, order(102))
    async with consuming(small):
        await until(small, 2)
        rows = await small.pool.fetch("SELECT reason FROM kit.held WHERE state = 'parked'")
    assert sorted(row["reason"] for row in rows) == sorted(name.split()[0] for name in bad)
    assert sorted(await orders(small)) == ["o101", "o102"]


def await_settings(runtime: Runtime, **changes) -> Runtime:
    settings = runtime.settings.model_copy(update=changes)
    other = Runtime(
        runtime.service, settings, telemetry=runtime.telemetry, producer=runtime.producer
    )
    other.use_pool(runtime.pool)
    return other


def batches() -> float:
    return REGISTRY.get_sample_value("goodword_batch_seconds_count") or 0.0


async def test_what_comes_within_the_interval_shares_a_batch(producer, runtime):
    patient = await_settings(runtime, batch_interval_milliseconds=1_000)
    async with consuming(patient):
        await send(producer, order(0))
        await until(patient, 1)
        before = batches()
        for n in range(1, 11):
            await send(producer, order(n))
            await asyncio.sleep(0.03)
        await until(patient, 11)
    assert batches() - before <= 2


async def test_what_is_committed_is_not_read_again_after_a_restart(producer, runtime):
    await send(producer, *(order(n) for n in range(50)))
    async with consuming(runtime):
        await until(runtime, 50)
    again = counted("duplicate")
    async with consuming(runtime):
        await send(producer, order(51))
        await until(runtime, 51)
    assert counted("duplicate") == again


async def test_joining_members_double_nothing(stack, producer, runtime):
    """The first has a batch in hand when the second joins: it may end it before it gives up."""
    again = counted("duplicate")
    second = await stack.runtime()
    gate = gates["o250"] = asyncio.Event()
    async with consuming(await_settings(runtime, batch_max_records=20)) as first:
        await send(producer, *(order(n) for n in range(300)))
        await eventually(lambda: looks["o250"] > 0)
        async with consuming(await_settings(second, batch_max_records=20), ordinal=1) as other:
            await eventually(lambda: first.is_rebalancing)
            gate.set()
            await send(producer, *(order(n) for n in range(300, 600)))
            await until(runtime, 600)
            await eventually(lambda: bool(other.assigned and first.assigned))
    await second.close_pool()
    assert counted("duplicate") == again


async def test_a_batch_waits_in_place_while_the_surroundings_fail(producer, runtime):
    closed.set()
    async with consuming(runtime):
        await send(producer, order(1))
        await eventually(lambda: looks["o1"] > 3)  # tried again and again, in place
        assert await orders(runtime) == []
        closed.clear()
        await until(runtime, 1)
    assert await runtime.pool.fetch("SELECT FROM kit.held") == []


async def test_a_stop_while_a_batch_waits_commits_nothing(producer, runtime):
    closed.set()
    async with consuming(runtime) as consumer:
        await send(producer, order(1))
        await eventually(lambda: consumer.has_in_hand)
    closed.clear()
    async with consuming(runtime):
        await until(runtime, 1)


async def test_too_many_dead_letters_stop_consuming_and_park_nothing_more(producer, runtime):
    strict = await_settings(runtime, dead_letter_minimum=10)
    await send(producer, *(order(n, body=b"{") for n in range(20)))
    async with consuming(strict) as consumer:
        await eventually(lambda: consumer.halted is not None)
        assert "20 of the last 20" in consumer.halted
    assert await runtime.pool.fetchval("SELECT count(*) FROM kit.held") == 0


async def test_two_processes_of_one_ordinal_end_instead_of_reading_everything_twice(
    stack, producer, runtime
):
    second = await stack.runtime()
    consumers = [Consumer(runtime, ordinal=0), Consumer(second, ordinal=0)]
    stop = asyncio.Event()
    first = asyncio.create_task(consumers[0].run(stop))
    await eventually(lambda: bool(consumers[0].assigned))
    other = asyncio.create_task(consumers[1].run(stop))
    number = 0
    async with asyncio.timeout(40):
        while not (first.done() or other.done()):
            number += 1
            await send(producer, order(number))
            await asyncio.sleep(0.2)
    stop.set()
    results = await asyncio.gather(first, other, return_exceptions=True)
    await second.close_pool()
    assert any(isinstance(result, Fatal) for result in results)


async def test_lag_and_end_come_from_what_is_applied(producer, runtime):
    closed.set()
    async with consuming(runtime) as consumer:
        await send(producer, order(1), order(2), order(3))
        await eventually(lambda: consumer.has_in_hand)
        assert sum((await consumer.lag()).values()) == 3
        closed.clear()
        await until(runtime, 3)

        async def none_behind() -> bool:
            return not sum((await consumer.lag()).values())

        await eventually(none_behind)
        assert len(await consumer.at_end()) == len(consumer.partitions() or ()) == 4
