"""Waiting for facts: once, in the fact's transaction, behind nothing but one's own key."""

import asyncio
from datetime import timedelta

import pytest
from kit_stack import eventually
from service_kit.testing import EPOCH, Harness, event
from shop import OrderChanged, OrderPlaced, OrderTaken, ProductListed, broken, gates, looks, shop

pytestmark = pytest.mark.real

WAITING = """
SELECT FROM pg_stat_activity
 WHERE wait_event_type = 'Lock' AND query ~ '{}' AND datname = current_database()
"""
WAITING_FOR_THE_FACT = WAITING.format("kit.facts")
WAITING_FOR_THE_KEY = WAITING.format("kit.quarantine")


def order(number: int, product: str = "soap"):
    return event(OrderPlaced(order_id=f"o{number}", product=product), at=EPOCH)


def change(step: int, product: str = "tea", order_id: str = "o1", mood: str = "fine"):
    return event(OrderChanged(order_id=order_id, step=step, product=product, mood=mood))


async def taken(harness: Harness) -> list[tuple[str, int]]:
    rows = await harness.fetch("SELECT order_id, step, times FROM orders ORDER BY place")
    assert all(row["times"] == 1 for row in rows)
    return [(row["order_id"], row["step"]) for row in rows]


async def test_a_waiting_event_is_handled_in_the_facts_transaction_with_its_own_now(harness):
    await harness.deliver(order(1), order(2, "tea"))
    assert await harness.waiting() == [("product", "soap")]
    await harness.hear_table(event(ProductListed(product="soap"), at=EPOCH + timedelta(days=1)))
    [woken] = harness.emitted(OrderTaken)
    assert (woken.data.order_id, woken.now) == ("o1", EPOCH)
    assert await harness.waiting() == []


async def test_a_waiting_event_delivered_again_waits_once(harness):
    await harness.deliver(order(1))
    await harness.deliver(order(1))
    await harness.hear_table(event(ProductListed(product="soap")))
    await harness.hear_table(event(ProductListed(product="soap", revision=2)))
    assert await taken(harness) == [("o1", 0)]


async def test_a_fact_that_becomes_known_while_the_handler_looks_is_not_missed(harness):
    """The waiter finds the fact's row as it takes the lock, and is handled again at once."""
    async with harness.runtime.pool.acquire() as other, other.transaction():
        await other.execute(
            "INSERT INTO kit.facts (kind, id, known_at) VALUES ('product', 'soap', now())"
        )
        delivering = asyncio.create_task(harness.deliver(order(1)))

        async def it_waits_for_the_lock() -> bool:
            return bool(await harness.fetch(WAITING_FOR_THE_FACT))

        await eventually(it_waits_for_the_lock)
        await other.execute("INSERT INTO products VALUES ('soap', 1)")
    await delivering
    assert await taken(harness) == [("o1", 0)]
    assert await harness.waiting() == []


async def test_an_old_wait_is_parked_and_can_be_released(shop_database):
    async with Harness(shop(max_wait_seconds=60), shop_database) as harness:
        await harness.deliver(order(1))
        await harness.upkeep(harness.runtime.now())
        assert await harness.parked() == []
        await harness.upkeep(harness.runtime.now() + timedelta(seconds=61))
        [parked] = await harness.parked()
        assert (parked.reason, parked.detail) == ("waited_too_long", "product soap")
        assert await harness.release(parked) == "waiting"
        await harness.hear_table(event(ProductListed(product="soap")))
        assert await taken(harness) == [("o1", 0)]


async def test_a_bad_waiter_does_not_spoil_the_fact(harness):
    await harness.deliver(order(1), order(2))
    broken.add("o1")
    await harness.hear_table(event(ProductListed(product="soap")))
    assert await taken(harness) == [("o2", 0)]
    assert [row.reason for row in await harness.parked()] == ["handler_failed"]


async def test_on_an_ordered_topic_later_events_of_the_key_wait_too(harness):
    await harness.deliver(change(1, "soap"), change(2), change(3, order_id="o2"))
    assert await taken(harness) == [("o2", 3)]
    await harness.deliver(change(4), change(5, order_id="o2"))
    assert await taken(harness) == [("o2", 3), ("o2", 5)]
    await harness.hear_table(event(ProductListed(product="soap")))
    assert (await taken(harness))[2:] == [("o1", 1), ("o1", 2), ("o1", 4)]
    assert await harness.fetch("SELECT FROM kit.quarantine") == []


async def test_an_ordered_key_stops_again_at_the_next_event_that_waits(harness):
    await harness.deliver(change(1, "soap"), change(2, "salt"), change(3))
    await harness.hear_table(event(ProductListed(product="soap")))
    assert await taken(harness) == [("o1", 1)]
    assert await harness.waiting() == [("product", "salt")]
    await harness.hear_table(event(ProductListed(product="salt")))
    assert await taken(harness) == [("o1", 1), ("o1", 2), ("o1", 3)]


async def test_behind_a_parked_event_its_key_is_kept_in_order_until_release(harness):
    broken.add("o1")
    await harness.deliver(change(1), change(2), change(3, order_id="o2"), strict=False)
    await harness.deliver(change(4))
    assert await taken(harness) == [("o2", 3)]
    [parked] = await harness.parked()
    broken.clear()
    assert await harness.release(parked) == "applied"
    assert await taken(harness) == [("o2", 3), ("o1", 1), ("o1", 2), ("o1", 4)]
    assert [e.type for e in harness.emitted()][-1] == "event.released.v1"


async def test_discarding_lets_the_others_of_the_key_go_on(harness):
    await harness.deliver(change(1, mood="fails"), change(2), strict=False)
    [parked] = await harness.parked()
    assert await harness.discard(parked) == "discarded"
    assert await taken(harness) == [("o1", 2)]
    assert await harness.fetch("SELECT FROM kit.quarantine") == []


async def test_a_release_that_fails_changes_nothing(harness):
    await harness.deliver(change(1, mood="fails"), change(2), strict=False)
    before = await harness.fetch("SELECT * FROM kit.held ORDER BY place")
    [parked] = await harness.parked()
    with pytest.raises(Exception, match="cannot be handled"):
        await harness.release(parked)
    assert await harness.fetch("SELECT * FROM kit.held ORDER BY place") == before


async def test_a_delivery_during_a_release_is_not_stuck(harness):
    """The consumer has read the quarantine, and has not committed yet: release waits for it."""
    broken.add("o1")
    await harness.deliver(change(0), strict=False)
    broken.clear()
    [parked] = await harness.parked()
    gate = gates["o2"] = asyncio.Event()
    delivering = asyncio.create_task(harness.deliver(change(1), change(1, order_id="o2")))
    await eventually(lambda: looks["o2"] > 0)
    releasing = asyncio.create_task(harness.release(parked))

    async def release_waits() -> bool:
        return releasing.done() or bool(await harness.fetch(WAITING_FOR_THE_KEY))

    await eventually(release_waits)
    gate.set()
    await asyncio.gather(delivering, releasing)
    assert await taken(harness) == [("o2", 1), ("o1", 0), ("o1", 1)]
    assert await harness.fetch("SELECT FROM kit.held") == []
