"""Two instances of the service give what one gives."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from fraud.__main__ import service
from fraud.settings import Settings
from service_kit.testing import Given, Harness
from shared_schemas.words import ConsentState

from .builders import (
    consent,
    credited,
    link,
    participant,
    report,
    settings,
    share,
    touch,
    unasked,
)
from .story import EXPECTED, LIMITED, bought, know, one_share, standing, story

pytestmark = pytest.mark.real
Fraud = Harness[Settings]


@asynccontextmanager
async def pair(url: str) -> AsyncIterator[tuple[Fraud, Fraud]]:
    """Two instances on one database, each with partitions of its own."""
    made = settings(url)
    one, two = (Harness(service(made), url, made, partition=number) for number in (0, 1))
    async with one, two:
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
            delivers(*bought(f"c{n}-r", n, f"u{n}-r", shares=one_share("ann-r", f"c{n}-r")))
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
        delivers(credited("c0-r", 1, customer_id="bo-r", shares=one_share("ann-r", "c0-r"))),
        {"duplicate_customer": 60},
    ),
    "neighbours": (
        [
            delivers(touch("t-r", 3, "office")),
            delivers(touch("t-c2-r", 2, "office")),
            delivers(*bought("c1-r", 1, "u1-r", shares=one_share("ann-r", "c1-r"))),
        ],
        SALE,
        delivers(credited("c2-r", 2, customer_id="u2-r", shares=one_share("ann-r", "c2-r"))),
        {"velocity": 60},
    ),
    "two reasons at once": (
        [
            delivers(touch("t-r", 3, "office"), touch("t-c2-r", 2, "office")),
            delivers(*bought("c1-r", 1, "u1-r", shares=one_share("ann-r", "c1-r"))),
            SALE,
        ],
        delivers(link(customer="bob-r", email="ann@-r")),
        delivers(credited("c2-r", 2, customer_id="u2-r", shares=one_share("ann-r", "c2-r"))),
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
