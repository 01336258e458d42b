"""Order, repetition, concurrency and cost: the same facts give the same verdicts."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from fraud.__main__ import service
from fraud.settings import Settings
from service_kit.intake import Delivery
from service_kit.testing import Given, Harness
from shared_schemas.words import ConsentState

from .builders import (
    consent,
    credited,
    link,
    participant,
    program,
    report,
    settings,
    share,
    touch,
    unasked,
    unattributed,
)

pytestmark = pytest.mark.real
Fraud = Harness[Settings]
LIMITED = 2


def bought(name: str, minutes: float, customer: str, **given: Any) -> list[Given]:
    """A click from the office, its report and its credit."""
    shares = (share(touches=(f"t-{name}",), version=LIMITED),)
    facts = {"customer_id": customer, "referee_id": customer, "shares": shares}
    return [
        touch(f"t-{name}", minutes, "office"),
        report(name, minutes, customer=customer, visitor=f"v-{name}"),
        credited(name, minutes, **facts | given),
    ]


def story(tag: str) -> list[Given]:
    """Facts that touch each other in every way; `tag` keeps two stories apart."""

    def own(name: str) -> str:
        return f"{name}-{tag}"

    shares = (share(own("ann"), touches=(f"t-{own('c4')}",), version=LIMITED),)
    mine = {"shares": shares}
    return [
        *bought(own("c1"), 1, own("bob"), shares=_shares(own("ann"), own("c1"))),
        *bought(own("c2"), 2, own("bo"), shares=_shares(own("ann"), own("c2"))),
        *bought(own("c3"), 3, own("carl"), shares=_shares(own("ann"), own("c3"))),
        *bought(own("c4"), 4, own("dora"), **mine),
        credited(own("c4"), 4, told_minutes=9, revision=2, customer_id=own("dora"), **mine),
        *bought(own("c5"), 5, own("eve"), shares=_shares(own("ann"), own("c5"))),
        unattributed(own("c5"), 5, revision=2, customer_id=own("eve")),
        link(6, customer=own("bob"), email=own("b@")),
        link(7, customer=own("bo"), email=own("b@")),
        link(8, customer=own("carl"), visitor=own("v")),
        link(9, customer=own("ann"), visitor=own("v")),
        link(10, customer=own("ann"), visitor=own("v"), unlink=True),
        link(11, customer=own("ann"), visitor=own("v")),
        link(12, customer=own("dora"), visitor=own("w"), consent=unasked()),
        link(13, customer=own("ann"), visitor=own("w"), consent=unasked()),
        consent(own("w"), ConsentState.DENIED, 14),
        link(15, customer=own("bob"), email=own("ann@"), unlink=True),
        link(14, customer=own("bob"), email=own("ann@")),
    ]


def _shares(participant_id: str, name: str) -> tuple[Any, ...]:
    return (share(participant_id, touches=(f"t-{name}",), version=LIMITED),)


EXPECTED = {
    "c1": ("cleared", 1, {}),
    "c2": ("held", 1, {"duplicate_customer": 60}),
    "c3": ("rejected", 1, {"self_referral": 100, "velocity": 60}),
    "c4": ("held", 2, {"velocity": 60}),
}


async def standing(harness: Harness, tag: str) -> dict[str, Any]:
    """What stands for each credited conversion: outcome, credit revision, what counts."""
    rows = await harness.fetch(
        """
        SELECT DISTINCT ON (v.conversion_id)
               v.conversion_id, v.state, v.credit_revision, v.contributions::text AS contributions
          FROM verdicts AS v
          JOIN conversions AS c ON c.conversion_id = v.conversion_id AND c.program_ids <> '{}'
         WHERE v.conversion_id LIKE '%-' || $1
         ORDER BY v.conversion_id, v.verdict_revision DESC
        """,
        tag,
    )
    return {
        row["conversion_id"].removesuffix(f"-{tag}"): (
            row["state"],
            row["credit_revision"],
            {
                one["name"]: one["points"]
                for one in json.loads(row["contributions"])
                if one["points"]
            },
        )
        for row in rows
    }


async def know(harness: Harness, tag: str) -> None:
    """Let the service know the story's program and participant."""
    ann = participant(f"ann-{tag}", customer_id=f"ann-{tag}", email=f"ann@-{tag}")
    await harness.hear_table(program(version=LIMITED, velocity_limit=2), ann)


def batches(events: list[Given], rng: random.Random) -> list[list[Given]]:
    """The events in any order, some twice, cut anywhere."""
    shuffled = [*events, *rng.sample(events, 4)]
    rng.shuffle(shuffled)
    cuts = sorted(rng.sample(range(1, len(shuffled)), rng.randint(0, 9)))
    edges = [0, *cuts, len(shuffled)]
    return [shuffled[start:end] for start, end in pairwise(edges)]


async def test_the_order_of_arrival_does_not_matter(harness: Harness) -> None:
    for seed in range(24):
        tag = f"s{seed}"
        await know(harness, tag)
        for batch in batches(story(tag), random.Random(seed)):
            await harness.deliver(*batch)
        assert await standing(harness, tag) == EXPECTED, f"seed {seed}"


async def test_everything_again_changes_nothing_with_or_without_the_inbox(harness: Harness) -> None:
    await know(harness, "x")
    events = story("x")
    for batch in batches(events, random.Random(1)):
        await harness.deliver(*batch)
    before, emitted = await harness.snapshot(), len(await harness.emitted_all())
    await harness.deliver(*events)
    await harness.fetch("DELETE FROM kit.inbox")
    random.Random(2).shuffle(events)
    for one in events:
        await harness.deliver(one)
    await know(harness, "x")
    assert await harness.snapshot() == before
    assert len(await harness.emitted_all()) == emitted


@pytest.mark.parametrize(
    "make",
    [
        lambda n: [touch(f"t{n}", n, "home")],
        lambda n: [link(n, customer=f"u{n}", visitor=f"v{n}")],
        lambda n: bought(f"k{n}", n / 10, f"u{n}"),
        lambda n: [*bought(f"k{n}", n / 10, f"u{n}"), link(n, customer=f"u{n}", email="e@")],
    ],
    ids=["touches", "links", "conversions", "conversions and links"],
)
async def test_a_batch_of_a_hundred_costs_as_many_statements_as_one(
    harness: Harness, make: Callable[[int], list[Given]]
) -> None:
    await harness.hear_table(program(version=LIMITED))
    await harness.deliver(*make(0))
    alone = harness.statements
    await harness.deliver(*(one for n in range(1, 101) for one in make(n)))
    assert harness.statements == alone
    assert alone <= 45


# Two instances.


class OtherPartition(Harness[Settings]):
    """An instance that reads partitions of its own, as Kafka would have it."""

    def _delivery(self, given: Given) -> Delivery:
        return replace(super()._delivery(given), partition=1)


@asynccontextmanager
async def pair(url: str) -> AsyncIterator[tuple[Fraud, Fraud]]:
    """Two instances on one database."""
    made = settings(url)
    other = OtherPartition(service(made), url, made)
    async with Harness(service(made), url, made) as one, other as two:
        yield one, two


PAUSE = """
CREATE OR REPLACE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NULL; END $$
"""
PAUSED = ("touches", "conversions", "reports", "identity_bonds", "consents", "participants")


async def _pause_before_commits(connection: asyncpg.Connection) -> None:
    """From now on each transaction that writes a fact stops before its commit."""
    await connection.execute(PAUSE)
    for table in PAUSED:
        await connection.execute(
            f"CREATE CONSTRAINT TRIGGER pause AFTER INSERT OR UPDATE ON {table}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pause()"
        )
    await connection.execute("SELECT pg_advisory_lock(42)")


async def _stopped(connection: asyncpg.Connection, count: int) -> None:
    """Until so many transactions of this database wait for a lock."""
    async with asyncio.timeout(10):
        while await _waiting(connection) < count:  # each look is a round trip
            pass


async def _waiting(connection: asyncpg.Connection) -> int:
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    )


Step = Callable[[Fraud], Awaitable[None]]


def delivers(*events: Given) -> Step:
    return lambda harness: harness.deliver(*events)


def hears(*events: Given) -> Step:
    return lambda harness: harness.hear_table(*events)


SHARES = (share("ann-r", touches=("t-r",), version=LIMITED),)
SALE = delivers(credited("c-r", 3, customer_id="bob-r", shares=SHARES))
RACES: dict[str, tuple[list[Step], Step, Step, dict[str, int]]] = {
    "credit and touch": (
        [
            delivers(*bought(f"c{n}-r", n, f"u{n}-r", shares=_shares("ann-r", f"c{n}-r")))
            for n in (1, 2)
        ],
        SALE,
        delivers(touch("t-r", 3, "office")),
        {"velocity": 60},
    ),
    "credit and report": (
        [],
        SALE,
        delivers(report("c-r", 3, email="ann@-r")),
        {"self_referral": 100},
    ),
    "credit and link": (
        [],
        SALE,
        delivers(link(customer="bob-r", email="ann@-r")),
        {"self_referral": 100},
    ),
    "credit and link two steps away": (
        [delivers(link(customer="bob-r", visitor="v-r"))],
        SALE,
        delivers(link(customer="ann-r", visitor="v-r")),
        {"self_referral": 100},
    ),
    "two links of one way": (
        [SALE],
        delivers(link(customer="bob-r", visitor="v-r")),
        delivers(link(customer="ann-r", visitor="v-r")),
        {"self_referral": 100},
    ),
    "credit and consent": (
        [
            delivers(link(customer="bob-r", visitor="v-r", consent=unasked())),
            delivers(link(customer="ann-r", visitor="v-r", consent=unasked())),
            delivers(consent("v-r", ConsentState.DENIED, 1)),
        ],
        SALE,
        delivers(consent("v-r", ConsentState.GRANTED, 2)),
        {"self_referral": 100},
    ),
    "credit and participant": (
        [],
        SALE,
        hears(participant("ann-r", 2, customer_id="bob-r")),
        {"self_referral": 100},
    ),
    "link and participant": (
        [SALE, delivers(link(customer="cleo-r", visitor="v-r"))],
        delivers(link(customer="bob-r", visitor="v-r")),
        hears(participant("ann-r", 2, customer_id="cleo-r")),
        {"self_referral": 100},
    ),
    "two customers of one address": (
        [
            delivers(link(customer="bob-r", email="b@"), link(customer="bo-r", email="b@")),
        ],
        SALE,
        delivers(credited("c0-r", 1, customer_id="bo-r", shares=_shares("ann-r", "c0-r"))),
        {"duplicate_customer": 60},
    ),
    "neighbours": (
        [
            delivers(touch("t-r", 3, "office")),
            delivers(touch("t-c2-r", 2, "office")),
            delivers(*bought("c1-r", 1, "u1-r", shares=_shares("ann-r", "c1-r"))),
        ],
        SALE,
        delivers(credited("c2-r", 2, customer_id="u2-r", shares=_shares("ann-r", "c2-r"))),
        {"velocity": 60},
    ),
    "two reasons at once": (
        [
            delivers(touch("t-r", 3, "office"), touch("t-c2-r", 2, "office")),
            delivers(*bought("c1-r", 1, "u1-r", shares=_shares("ann-r", "c1-r"))),
            SALE,
        ],
        delivers(link(customer="bob-r", email="ann@-r")),
        delivers(credited("c2-r", 2, customer_id="u2-r", shares=_shares("ann-r", "c2-r"))),
        {"self_referral": 100, "velocity": 60},
    ),
}


@pytest.mark.parametrize("reverse", [False, True], ids=["forth", "back"])
@pytest.mark.parametrize("race", RACES)
async def test_two_instances_that_meet_before_their_commits_miss_nothing(
    database: str, race: str, reverse: bool
) -> None:
    given, first, second, expected = RACES[race]
    if reverse:
        first, second = second, first
    watcher = await asyncpg.connect(database)
    try:
        async with pair(database) as (one, two):
            await know(one, "r")
            for step in given:
                await step(one)
            await _pause_before_commits(watcher)
            slow = asyncio.create_task(first(one))
            await _stopped(watcher, 1)
            quick = asyncio.create_task(second(two))
            await _stopped(watcher, 2)
            await watcher.execute("SELECT pg_advisory_unlock(42)")
            await asyncio.gather(slow, quick)
            _, _, counted = (await standing(one, "r"))["c"]
    finally:
        await watcher.close()
    assert counted == expected


async def test_two_instances_give_what_one_gives(database: str) -> None:
    tags = [f"w{n}" for n in range(20)]
    rng = random.Random(7)
    events = [one for tag in tags for one in story(tag)]
    rng.shuffle(events)
    parts = [events[start : start + 20] for start in range(0, len(events), 20)]

    async def work(harness: Harness, some: list[list[Given]]) -> None:
        for part in some:
            await harness.deliver(*part)

    async with pair(database) as (one, two):
        for tag in tags:
            await know(one, tag)
        await asyncio.gather(work(one, parts[::2]), work(two, parts[1::2]))
        for tag in tags:
            assert await standing(one, tag) == EXPECTED
