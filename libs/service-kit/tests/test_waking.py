"""Waking many: so many in one transaction, and the rest for certain, each once, in order."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr
from service_kit import tables, upkeep, waking
from service_kit.events import of_type
from service_kit.settings import KitSettings
from service_kit.testing import EPOCH, Harness, event
from shop import OrderChanged, OrderPlaced, ProductListed, broken, handle, shop

pytestmark = pytest.mark.real

AT_ONCE = 5
SOAP = event(ProductListed(product="soap"))


@pytest_asyncio.fixture(loop_scope="session")
async def narrow(shop_database: str) -> AsyncIterator[Harness]:
    """The sample service, which wakes at most five in a transaction."""
    settings = KitSettings(
        database=SecretStr(shop_database),
        operator_token=SecretStr(f"{uuid4()}"),
        batch_max_records=AT_ONCE,
    )
    async with Harness(shop(), shop_database, settings) as running:
        yield running
    broken.clear()


def order(number: int, **more: object):
    return event(OrderPlaced(order_id=f"o{number:02}", **({"product": "soap"} | more)), at=EPOCH)


def change(step: int, product: str = "tea", order_id: str = "o1"):
    return event(OrderChanged(order_id=order_id, step=step, product=product))


async def hear(harness: Harness, *given) -> None:
    """Table records, and no more than their own transaction."""
    await tables.apply(harness.runtime, [harness._delivery(one) for one in given])


async def taken(harness: Harness) -> list[tuple[str, int]]:
    rows = await harness.fetch("SELECT order_id, step, times FROM orders ORDER BY place")
    assert all(row["times"] == 1 for row in rows)
    return [(row["order_id"], row["step"]) for row in rows]


async def test_a_fact_wakes_so_many_in_its_transaction_and_the_rest_follow(narrow) -> None:
    await narrow.deliver(*(order(n) for n in range(12)))
    await hear(narrow, SOAP)
    counts = [len(await taken(narrow))]
    while await waking.go_on(narrow.runtime):
        counts.append(len(await taken(narrow)))
    assert counts == [5, 10, 12]
    assert await narrow.waiting() == []
    assert await narrow.fetch("SELECT FROM kit.facts WHERE waking_at IS NOT NULL") == []


async def test_the_rest_follows_in_another_process_too(narrow, shop_database) -> None:
    await narrow.deliver(*(order(n) for n in range(12)))
    await hear(narrow, SOAP)
    assert narrow.runtime.waiters_left.is_set()
    async with Harness(shop(), shop_database) as other:
        while await waking.go_on(other.runtime):
            pass
    assert len(await taken(narrow)) == 12


async def test_what_is_yet_to_be_woken_has_not_waited_too_long(narrow) -> None:
    await narrow.deliver(*(order(n) for n in range(12)))
    await hear(narrow, SOAP)
    later = narrow.runtime.now() + timedelta(seconds=shop().max_wait_seconds + 1)
    await upkeep.once(narrow.runtime, later)
    assert (await narrow.parked(), len(await narrow.waiting())) == ([], 7)


async def test_the_harness_wakes_them_all(narrow) -> None:
    await narrow.deliver(*(order(n) for n in range(12)))
    await narrow.hear_table(SOAP)
    assert len(await taken(narrow)) == 12


async def test_several_facts_of_one_transaction_share_its_limit(narrow) -> None:
    names = [f"p{n}" for n in range(4)]
    await narrow.deliver(*(order(n, product=names[n % 4]) for n in range(12)))
    await hear(narrow, *(event(ProductListed(product=name)) for name in names))
    assert len(await taken(narrow)) == AT_ONCE
    while await waking.go_on(narrow.runtime):
        pass
    assert len(await taken(narrow)) == 12


async def test_what_waits_again_for_the_same_fact_waits_for_its_next_announcement(narrow) -> None:
    """Not for the rest of this one: that would never end."""

    async def never(tx, events):
        for one in of_type(events, OrderPlaced):
            tx.wait_for(one, "product", "soap")

    narrow.runtime.service = replace(narrow.service, handle=never)
    await narrow.deliver(*(order(n) for n in range(12)))
    await hear(narrow, SOAP)
    rounds = 0
    while await waking.go_on(narrow.runtime):
        rounds += 1
        assert rounds < 10
    narrow.runtime.service = replace(narrow.service, handle=handle)
    await narrow.hear_table(SOAP)
    assert len(await taken(narrow)) == 12


async def test_a_bad_one_among_them_is_parked_and_the_others_go_on(narrow) -> None:
    await narrow.deliver(*(order(n) for n in range(12)))
    broken.update(("o03", "o11"))
    await narrow.hear_table(SOAP)
    assert len(await taken(narrow)) == 10
    assert [row.reason for row in await narrow.parked()] == ["handler_failed"] * 2


async def test_an_ordered_key_is_taken_up_in_slices_and_stays_in_order(narrow) -> None:
    await narrow.deliver(change(0, "soap"), *(change(n) for n in range(1, 12)))
    await hear(narrow, SOAP)
    assert len(await taken(narrow)) == AT_ONCE
    await narrow.deliver(change(12))  # behind what is still held
    while await waking.go_on(narrow.runtime):
        pass
    assert await taken(narrow) == [("o1", n) for n in range(13)]
    assert await narrow.fetch("SELECT FROM kit.held") == []
    assert await narrow.fetch("SELECT FROM kit.quarantine") == []


async def test_many_ordered_keys_share_the_limit(narrow) -> None:
    keys = [f"k{n}" for n in range(7)]
    for key in keys:
        await narrow.deliver(change(0, "soap", key), change(1, order_id=key))
    await hear(narrow, SOAP)
    assert len(await taken(narrow)) == AT_ONCE
    assert len(await narrow.waiting()) > 0  # whoever asks whether all is done must see it
    while await waking.go_on(narrow.runtime):
        pass
    found = await taken(narrow)
    assert sorted(found) == [(key, step) for key in keys for step in (0, 1)]
    assert all(found.index((key, 0)) < found.index((key, 1)) for key in keys)


async def test_a_release_too_takes_up_only_so_many(narrow) -> None:
    broken.add("o1")
    await narrow.deliver(change(0), strict=False)
    await narrow.deliver(*(change(n) for n in range(1, 12)))
    broken.clear()
    [row] = await narrow.parked()
    assert await narrow.release(row) == "applied"
    assert await taken(narrow) == [("o1", n) for n in range(12)]
    assert await narrow.fetch("SELECT FROM kit.held") == []
