"""The exactly-once core on a real database: what is taken up, how often, at what price."""

import dataclasses
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace
from service_kit.events import emitted_id
from service_kit.problems import Transient
from service_kit.testing import EPOCH, Harness, event
from shop import OrderPlaced, OrderTaken, broken, failures_left

pytestmark = pytest.mark.real
THROUGH = "SELECT max(consumed_through) FROM kit.progress"


def order(number: int, **more: object):
    return event(OrderPlaced(order_id=f"o{number}", **more), at=EPOCH + timedelta(seconds=number))


async def orders(harness: Harness) -> dict[str, int]:
    rows = await harness.fetch("SELECT order_id, times FROM orders ORDER BY place")
    return {row["order_id"]: row["times"] for row in rows}


async def test_a_batch_is_taken_up_once_however_often_it_is_delivered(harness) -> None:
    batch = [order(1), order(2), order(1)]
    await harness.deliver(*batch)
    await harness.deliver(*reversed(batch))
    assert await orders(harness) == {"o1": 1, "o2": 1}
    assert harness.emitted() == []
    assert [e.data.order_id for e in await harness.emitted_all()] == ["o1", "o2"]


async def test_a_clean_batch_costs_five_round_trips_beside_the_handlers_own(harness) -> None:
    await harness.deliver(*(order(n) for n in range(200)))
    of_the_handler = 2
    assert harness.statements == 5 + of_the_handler


async def test_an_emission_has_the_id_and_the_time_of_its_cause(harness) -> None:
    given = order(1)
    await harness.deliver(given)
    [taken] = harness.emitted(OrderTaken)
    assert taken.now == given.envelope.time
    assert taken.envelope.causation_id == given.envelope.event_id
    assert taken.source == "shop"
    cause = replace(taken.cause, source="test", event_id=given.envelope.event_id)
    assert taken.id == emitted_id(cause, OrderTaken.TYPE, 0)


async def test_one_bad_event_is_parked_and_the_others_go_on(harness) -> None:
    await harness.deliver(order(1), order(2, mood="fails"), order(3), strict=False)
    assert await orders(harness) == {"o1": 1, "o3": 1}
    [parked] = await harness.parked()
    assert (parked.source, parked.reason) == ("test", "handler_failed")
    assert "o2 cannot be handled" in parked.detail


async def test_a_bad_event_is_parked_once(harness) -> None:
    for _ in range(2):
        await harness.deliver(order(2, mood="fails"), order(3), strict=False)
    assert len(await harness.parked()) == 1
    copies = await harness.fetch("SELECT FROM kit.outbox WHERE topic = 'web.orders.dlq.shop'")
    told = await harness.fetch("SELECT FROM kit.outbox WHERE topic = 'shop.parked'")
    assert (len(copies), len(told)) == (1, 1)


async def test_what_the_surroundings_do_parks_nothing(harness) -> None:
    with pytest.raises(Transient):
        await harness.deliver(order(1), order(2, mood="hangs"))
    assert await orders(harness) == {}
    assert await harness.fetch("SELECT FROM kit.inbox") == []


async def test_an_event_that_does_not_fail_again_alone_is_not_parked(harness) -> None:
    """It failed in the batch and in its savepoint: something else may have been to blame."""
    failures_left["o1"] = 2
    await harness.deliver(order(1), order(2))
    assert await orders(harness) == {"o2": 1, "o1": 1}


async def test_a_second_body_under_a_known_id_is_parked_and_changes_nothing(harness) -> None:
    first = event(OrderPlaced(order_id="o1"), id="x", body_hash="aaa")
    other = event(OrderPlaced(order_id="o9"), id="x", body_hash="bbb")
    await harness.deliver(first)
    for _ in range(2):
        await harness.deliver(first, other, strict=False)
    assert await orders(harness) == {"o1": 1}
    assert [row.reason for row in await harness.parked()] == ["id_reused"]


async def test_a_day_later_the_same_event_still_changes_nothing(harness) -> None:
    await harness.deliver(order(1))
    await harness.fetch("UPDATE kit.inbox SET day = day - 1")
    await harness.deliver(order(1), order(2))
    assert await orders(harness) == {"o1": 1, "o2": 1}


async def test_with_the_inbox_emptied_a_replay_emits_the_same_ids(harness) -> None:
    await harness.deliver(order(1))
    [before] = await harness.emitted_all()
    await harness.fetch("TRUNCATE kit.inbox")
    await harness.deliver(order(1))
    assert [e.id for e in harness.emitted()] == [before.id]


async def test_a_released_event_is_applied_once(harness) -> None:
    broken.add("o1")
    await harness.deliver(order(1), strict=False)
    broken.clear()
    [row] = await harness.parked()
    assert await harness.release(row) == "applied"
    assert await orders(harness) == {"o1": 1}
    assert await harness.parked() == []
    await harness.deliver(order(1))
    assert await orders(harness) == {"o1": 1}


async def test_while_a_suspect_is_not_taken_up_its_partition_is_not_consumed(harness) -> None:
    seen: list[datetime] = []
    handle = harness.service.handle

    async def watching(tx, events):
        seen.append(await harness.runtime.pool.fetchval(THROUGH) or EPOCH)
        await handle(tx, events)

    harness.runtime.service = dataclasses.replace(harness.service, handle=watching)
    later = EPOCH + timedelta(hours=1)
    good = event(OrderPlaced(order_id="good"), at=later)
    bad = event(OrderPlaced(order_id="bad", mood="fails"), at=EPOCH + timedelta(minutes=1))
    await harness.deliver(good, bad, strict=False)
    assert max(seen) < EPOCH + timedelta(minutes=1)
    assert await harness.runtime.pool.fetchval(THROUGH) == later


async def test_what_postgresql_says_of_a_row_is_not_repeated(harness) -> None:
    async def failing(tx, _events):
        await tx.execute("INSERT INTO products VALUES ('ada@example.com', NULL)")

    harness.runtime.service = dataclasses.replace(harness.service, handle=failing)
    await harness.deliver(event(OrderPlaced(order_id="o1")), strict=False)
    [parked] = await harness.parked()
    assert "violates not-null constraint" in parked.detail
    assert "ada" not in parked.detail
