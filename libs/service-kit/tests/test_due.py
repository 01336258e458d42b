"""Due work: once, at its own time, and not before everything from before it is heard."""

from dataclasses import replace
from datetime import timedelta

import pytest
from service_kit import progress
from service_kit.due_loop import DueLoop
from service_kit.events import Cause
from service_kit.problems import Transient
from service_kit.testing import EPOCH, Harness, event
from shop import OrderPlaced, OrderShipped, broken

pytestmark = pytest.mark.real

LATER = EPOCH + timedelta(hours=1)


async def place(harness: Harness, *numbers: int) -> None:
    orders = (OrderPlaced(order_id=f"o{n}", ship_after_seconds=60) for n in numbers)
    await harness.deliver(*(event(order) for order in orders))


async def test_a_due_row_fires_once_with_its_time_as_now(harness):
    await place(harness, 1, 2)
    assert await harness.fire_due(until=EPOCH + timedelta(seconds=59)) == 0
    assert await harness.fire_due(until=LATER) == 2
    shipped = harness.emitted(OrderShipped)
    assert {e.now for e in shipped} == {EPOCH + timedelta(seconds=60)}
    assert {e.data.order_id for e in shipped} == {"o1", "o2"}
    assert await harness.fire_due(until=LATER) == 0


async def test_a_row_said_again_stays_done(harness):
    await place(harness, 1)
    await harness.fire_due(until=LATER)
    await harness.fetch("TRUNCATE kit.inbox")
    await place(harness, 1)
    assert await harness.fire_due(until=LATER) == 0


async def test_a_row_that_fails_is_parked_alone_and_fires_after_release(harness):
    await place(harness, 1, 2)
    broken.add("o1")
    await harness.fire_due(until=LATER)
    assert [e.data.order_id for e in harness.emitted(OrderShipped)] == ["o2"]
    [parked] = await harness.parked()
    assert parked.reason == "due_failed"
    broken.clear()
    assert await harness.release(parked) == "due"
    await harness.fire_due(until=LATER)
    assert [e.data.order_id for e in harness.emitted(OrderShipped)] == ["o1"]


class Reader:
    """What the due loop asks of the consumer."""

    def __init__(self, *places: tuple[str, int]) -> None:
        self.places = set(places)
        self.ends: dict[tuple[str, int], object] = {}

    def partitions(self):
        return self.places or None

    async def at_end(self):
        return self.ends


PLACES = [("web.orders", 0), ("web.orders", 1), ("web.changes", 0), ("web.changes", 1)]


async def shipped(harness: Harness) -> int:
    return len(await harness.fetch("SELECT FROM shipped"))


async def test_nothing_fires_before_partitions_are_known(harness):
    await place(harness, 1)
    await DueLoop(harness.runtime, Reader()).step()
    assert await shipped(harness) == 0


async def test_a_row_waits_for_the_partition_that_is_behind(harness):
    await place(harness, 1)
    loop = DueLoop(harness.runtime, Reader(*PLACES))
    async with harness.transaction() as tx:
        await progress.advance(tx, dict.fromkeys(PLACES[1:], LATER))
    await loop.step()
    assert await shipped(harness) == 0  # partition 0 is consumed up to EPOCH only
    async with harness.transaction() as tx:
        await progress.advance(tx, {PLACES[0]: LATER})
    await loop.step()
    assert await shipped(harness) == 1


async def test_the_end_of_a_partition_counts_as_consumed(harness):
    await place(harness, 1)
    reader = Reader(*PLACES)
    reader.ends = dict.fromkeys(PLACES, harness.runtime.now())
    await DueLoop(harness.runtime, reader).step()
    assert await shipped(harness) == 1


async def test_a_partition_that_kafka_no_longer_has_holds_up_nothing(harness):
    await place(harness, 1)
    gone = ("web.orders", 7)
    await progress.advance(harness.runtime.pool, {gone: EPOCH} | dict.fromkeys(PLACES, LATER))
    await DueLoop(harness.runtime, Reader(*PLACES, gone)).step()
    assert await shipped(harness) == 0
    await DueLoop(harness.runtime, Reader(*PLACES)).step()
    assert await shipped(harness) == 1


async def test_a_partition_of_which_nothing_is_known_is_waited_for(harness):
    await place(harness, 1)
    await progress.advance(harness.runtime.pool, dict.fromkeys(PLACES, LATER))
    await DueLoop(harness.runtime, Reader(*PLACES, ("web.orders", 2))).step()
    assert await shipped(harness) == 0


async def test_the_loop_sleeps_until_the_next_row(harness):
    now = harness.runtime.now()
    cause = Cause("test", "x", now, "x")
    async with harness.transaction() as tx:
        tx.due("ship", "o1", now + timedelta(seconds=7), cause=cause)
    assert harness.runtime.due_written.is_set()
    assert 6 < await DueLoop(harness.runtime, None).step() <= 7


async def test_a_kind_that_is_stuck_does_not_hold_up_the_others(harness):
    await place(harness, 1)
    async with harness.transaction() as tx:
        cause = Cause("test", "x", EPOCH, "x")
        tx.due("wait", "earlier", EPOCH + timedelta(seconds=1), cause=cause)
    stuck: list[str] = []

    async def never(_tx, rows):
        stuck.extend(row.subject for row in rows)
        raise Transient("not now")

    service = replace(harness.service, due={**harness.service.due, "wait": never})
    harness.runtime.service = service
    loop = DueLoop(harness.runtime, None)
    await loop.step()
    assert (stuck, await shipped(harness)) == (["earlier"], 0)
    await loop.step()
    assert await shipped(harness) == 1
