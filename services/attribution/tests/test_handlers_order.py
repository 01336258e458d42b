"""Order, repetition and company: through real transactions, alone and beside another instance."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from attribution.__main__ import SERVICE
from attribution.handlers import handle
from service_kit.testing import Given, Harness, migrations_of
from shared_schemas.states import ReferralStage
from shared_schemas.words import ConsentState, Trust

from .builders import (
    DAY,
    click,
    code_entered,
    deal,
    lead_record,
    linked,
    refund,
    refused,
    sale,
    settings,
    share,
    unlinked,
)
from .control_plane import control_plane
from .outcomes import decisions, named, referrals, stuck_or_done

pytestmark = pytest.mark.real
DEADLINE_SECONDS = 10


def story(n: int) -> list[Given]:
    """Two people who share a device, quarrel over a click and buy twice; nobody else's business."""
    mark = f"#{n}"
    phone, laptop, kiosk = (f"{name}{mark}" for name in ("phone", "laptop", "kiosk"))
    zoe, yan = f"zoe{mark}", f"yan{mark}"
    token = ("bob-1", f"lost{mark}", 4)
    return [
        click(f"one{mark}", 0, None),
        share(f"one{mark}", 1, phone),
        share(f"one{mark}", 2, laptop),
        click(f"two{mark}", 3, laptop, code="bob-1", heard=3 * DAY),
        click(f"late{mark}", 3, laptop, code="cleo-1", heard=9 * DAY),
        click(f"granted{mark}", 5, kiosk, code="cleo-1", consent=ConsentState.GRANTED),
        click(f"unasked{mark}", 6, kiosk, code="ann-2"),
        code_entered(7, phone, code="cleo-1"),
        linked(8, visitor=laptop, customer=zoe),
        linked(9, visitor=phone, customer=zoe, trust=Trust.PUBLISHABLE),
        linked(10, visitor=kiosk, customer=yan, trust=Trust.PUBLISHABLE),
        linked(11, visitor=kiosk, customer=zoe, trust=Trust.PUBLISHABLE),
        refused(12, kiosk),
        sale(f"first{mark}", 20, 1_001, visitor=phone, trust=Trust.PUBLISHABLE, source="page"),
        sale(f"first{mark}", 21, 1_001, visitor=None, customer=zoe),
        sale(f"second{mark}", 30, 777, visitor=kiosk, customer=yan, token=token),
        sale(f"third{mark}", 40, 1_001, visitor=None, customer=zoe, source="billing"),
        refund(f"first{mark}", 50, 1),
        refund(f"first{mark}", 51, 500),
        unlinked(60, visitor=phone, customer=zoe),
        linked(70, visitor=phone, customer=zoe),
        lead_record(f"lead{mark}", 15, ReferralStage.CONTACTED, customer_id=zoe),
        deal(
            f"deal{mark}",
            45,
            ReferralStage.WON,
            amount_minor=777,
            currency="EUR",
            customer_id=yan,
            order_reference=f"SECOND{mark}",
        ),
    ]


async def deliver_in_batches(
    harness: Harness[Any], events: Sequence[Given], random: Random
) -> None:
    """All events, some twice, in an order and in batches of chance."""
    queue = [*events, *random.sample(events, len(events) // 3)]
    random.shuffle(queue)
    while queue:
        size = random.randint(1, 9)
        batch, queue = queue[:size], queue[size:]
        await harness.deliver(*batch)


async def test_every_order_ends_the_same(harness) -> None:
    await harness.deliver(*story(0))
    random = Random(20_261_102)
    for n in range(1, 7):
        await deliver_in_batches(harness, story(n), random)
    outcome = await decisions(harness)
    one = named(outcome, 0)
    assert set(one) == {"first", "second", "third"}
    assert one["third"]["look_alike"]
    for n in range(1, 7):
        assert named(outcome, n) == one
    opened = await referrals(harness)
    assert len(opened) % 7 == 0
    kinds = _without_ids(opened)
    assert all(kinds.count(row) % 7 == 0 for row in kinds)
    rows = await harness.fetch(
        "SELECT counted_as, counted_on, code, count(*) FROM sightings GROUP BY 1, 2, 3"
    )
    assert all(row["count"] % 7 == 0 for row in rows)


def _without_ids(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(*row[:-1], len(row[-1])) for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def beside(database_url: str, harness: Harness[Any]) -> AsyncIterator[Harness[Any]]:
    """A second instance on the same database."""
    async with Harness(SERVICE, database_url, settings(database_url)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def alone(fresh_database) -> AsyncIterator[Harness[Any]]:
    """An instance with a database to itself."""
    url = await fresh_database("attribution", migrations_of(SERVICE))
    async with Harness(SERVICE, url, settings(url)) as running:
        await running.hear_table(*control_plane())
        yield running


async def test_two_instances_come_to_what_one_comes_to(harness, beside) -> None:
    await harness.deliver(*story(0))
    random = Random(42)
    told = [event for n in range(1, 9) for event in story(n)]
    random.shuffle(told)
    mine, theirs = told[::2], told[1::2]

    async def work(instance: Harness[Any], events: list[Given]) -> None:
        while events:
            batch, events = events[:6], events[6:]
            await instance.deliver(*batch)

    await asyncio.gather(work(harness, mine), work(beside, theirs))
    outcome = await decisions(harness)
    for n in range(1, 9):
        assert named(outcome, n) == named(outcome, 0)


RACES = {
    "a touch beside its conversion": (click("k", 0), sale("o1", 10)),
    "a conversion beside its touch": (sale("o1", 10), click("k", 0)),
    "a link beside the conversion": (
        linked(5, visitor="v1", customer="zoe"),
        sale("o1", 10, visitor=None, customer="zoe"),
    ),
    "the conversion beside a link": (
        sale("o1", 10, visitor=None, customer="zoe"),
        linked(5, visitor="v1", customer="zoe"),
    ),
    "a click beside the token of it": (
        click("k2", 2, None, code="bob-1"),
        sale("o1", 10, token=("bob-1", "k2", 2)),
    ),
    "a token beside another's click": (
        sale("o1", 10, visitor="v2", token=("bob-1", "k2", 2)),
        click("k2", 2, "v1", code="bob-1"),
    ),
    "a refund beside the order": (refund("o1", 20, 5), sale("o1", 10)),
    "two reports of one order": (
        sale("o1", 10),
        sale("o1", 11, visitor=None, customer="zoe", source="billing"),
    ),
    "a refusal beside the order": (refused(5, "v1"), sale("o1", 10)),
    "two touches of one person": (click("k2", 1, code="bob-1"), click("k3", 2, code="cleo-1")),
}


@pytest.mark.parametrize("race", RACES.values(), ids=RACES.keys())
async def test_who_comes_between_load_and_save_is_not_overlooked(
    race: tuple[Given, Given], harness, alone, database_url: str
) -> None:
    earlier = (click("k0", -5), linked(-4, visitor="v1", customer="early"), sale("o0", -3))
    await harness.deliver(*earlier)
    paused, other = race
    loaded, go_on = asyncio.Event(), asyncio.Event()

    async def handle_slowly(tx: Any, events: Any) -> None:
        await handle(tx, events)
        loaded.set()
        await go_on.wait()

    slow = replace(SERVICE, handle=handle_slowly)
    async with Harness(slow, database_url, settings(database_url)) as slowly:
        first = asyncio.create_task(slowly.deliver(paused))
        await asyncio.wait_for(loaded.wait(), DEADLINE_SECONDS)
        second = asyncio.create_task(harness.deliver(other))
        await stuck_or_done(slowly, second)
        go_on.set()
        await asyncio.wait_for(asyncio.gather(first, second), DEADLINE_SECONDS)
    await alone.deliver(*earlier, *race)
    assert await decisions(harness) == await decisions(alone)
    assert await referrals(harness) == await referrals(alone)
