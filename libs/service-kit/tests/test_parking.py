"""Events set aside: what was decided about them stays decided, and each parking is told."""

from datetime import timedelta

import pytest
from service_kit.testing import EPOCH, Harness, event
from shared_schemas.events.parked import EventParked, EventReleased
from shop import OrderPlaced, ProductListed, broken

pytestmark = pytest.mark.real


def order(number: int, **more: object):
    return event(OrderPlaced(order_id=f"o{number}", **more), at=EPOCH)


async def orders(harness: Harness) -> list[str]:
    return [row["order_id"] for row in await harness.fetch("SELECT order_id FROM orders")]


async def told(harness: Harness) -> list[tuple[str, int]]:
    rows = await harness.fetch(
        "SELECT topic, count(*) FROM kit.outbox WHERE topic LIKE '%parked'"
        " OR topic LIKE '%dlq%' GROUP BY topic ORDER BY topic"
    )
    return [tuple(row) for row in rows]


async def discarded(harness: Harness, *given) -> None:
    await harness.deliver(*given, strict=False)
    [row] = await harness.parked()
    assert await harness.discard(row) == "discarded"


async def test_a_discarded_second_body_does_not_come_back(harness) -> None:
    first = event(OrderPlaced(order_id="o1"), id="x", body_hash="aaa")
    other = event(OrderPlaced(order_id="o9"), id="x", body_hash="bbb")
    await discarded(harness, first, other)
    before = await told(harness)
    await harness.deliver(first, other)
    await harness.fetch("TRUNCATE kit.inbox")
    await harness.deliver(first, other)
    assert (await harness.parked(), await told(harness)) == ([], before)
    assert set(await orders(harness)) == {"o1"}


async def test_with_the_inbox_emptied_a_discarded_event_does_not_come_back(harness) -> None:
    broken.add("o1")
    await discarded(harness, order(1))
    before = await told(harness)
    for _ in range(2):
        await harness.fetch("TRUNCATE kit.inbox")
        await harness.deliver(order(1))
        broken.clear()  # not even now that its handler could
    assert (await harness.parked(), await told(harness)) == ([], before)
    assert await orders(harness) == []


async def test_with_the_inbox_emptied_a_parked_event_is_applied_by_its_release_alone(harness):
    broken.add("o1")
    await harness.deliver(order(1), strict=False)
    broken.clear()
    await harness.fetch("TRUNCATE kit.inbox")
    await harness.deliver(order(1))
    assert await orders(harness) == []
    [row] = await harness.parked()
    assert await harness.release(row) == "applied"
    assert await orders(harness) == ["o1"]


async def test_of_a_discarded_event_only_the_identity_is_kept_and_that_not_for_ever(harness):
    await discarded(harness, order(1, mood="fails"))
    [row] = await harness.fetch("SELECT key, headers, body, ordered FROM kit.held")
    assert tuple(row) == (None, b"\x90", None, False)
    assert await harness.fetch("SELECT FROM kit.quarantine") == []
    kept = timedelta(days=harness.runtime.settings.inbox_kept_days)
    await harness.upkeep(harness.runtime.now() + kept - timedelta(days=1))
    assert len(await harness.fetch("SELECT FROM kit.held")) == 1
    await harness.upkeep(harness.runtime.now() + kept)
    assert await harness.fetch("SELECT FROM kit.held") == []


async def test_a_discarded_event_cannot_be_decided_about_again(harness) -> None:
    await harness.deliver(order(1, mood="fails"), strict=False)
    [row] = await harness.parked()
    await harness.discard(row)
    for decide in (harness.release, harness.discard):
        with pytest.raises(Exception, match="test/"):
            await decide(row)


async def test_each_parking_of_an_event_is_told_under_an_id_of_its_own(harness) -> None:
    """Else whoever heard of the first would take the second for a repetition."""
    broken.add("o1")
    await harness.deliver(order(1, product="soap"), strict=False)
    broken.clear()
    [row] = await harness.parked()
    assert await harness.release(row) == "waiting"
    broken.add("o1")
    await harness.hear_table(event(ProductListed(product="soap")))
    assert len(await harness.parked()) == 1
    reports = await harness.emitted_all(EventParked, EventReleased)
    assert [e.type for e in reports] == [EventParked.TYPE, EventReleased.TYPE, EventParked.TYPE]
    assert len({e.id for e in reports}) == 3
    assert reports[0].data.at < reports[2].data.at
