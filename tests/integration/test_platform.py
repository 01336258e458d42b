"""The whole platform on the real broker and database: what its services promise together."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from goodword.platform import Running
from goodword.platform.broker import Broker
from shared_schemas.ids import conversion_id
from shared_schemas.topics import TOPICS

from .looking import WITH_DATABASE, database
from .shop import Shop, eventually, identify, new_visitor, order, refund, unique

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

TRIPLES = 400


async def test_a_click_becomes_a_paid_and_told_reward_in_one_whole_trace(shop: Shop) -> None:
    visitor, customer, reference = new_visitor(), unique("c"), unique("o")
    await shop.click("ANN", visitor)
    await shop.batch([identify(visitor, customer, email=f"{customer}@example.org")])
    await shop.batch([order(reference, customer, "99.90", visitor=visitor)])
    await shop.settled()
    assert await shop.rewards(reference) == {
        "ann": ("fulfilled", 2000),
        customer: ("fulfilled", 1000),
    }
    told = await shop.told(f"/api/conversions/{conversion_id('sale', reference)}")
    assert told["journey"]["stopped_at"] is None
    recipients = {to for mail in shop.platform.mail.mails for to in mail.recipients}
    assert {"ann@example.com", f"{customer}@example.org"} <= recipients
    await eventually(lambda: _is_traced(shop, reference), seconds=60)


async def _is_traced(shop: Shop, reference: str) -> bool:
    """Whether every edge's span has arrived: services send theirs every few seconds."""
    told = await shop.told(f"/api/conversions/{conversion_id('sale', reference)}")
    return bool(told["trace"]["complete"])


async def test_a_refund_after_payment_takes_the_reward_back(shop: Shop) -> None:
    """Erik's alone: what was paid too much is netted against whatever he earns next."""
    visitor, customer, reference = new_visitor(), unique("c"), unique("o")
    await shop.click("ERIK", visitor)
    await shop.batch([order(reference, customer, "200.00", visitor=visitor)])
    await shop.settled()
    assert await shop.rewards(reference) == {"erik": ("fulfilled", 1000)}
    await shop.batch([refund(reference, customer)])
    await shop.settled()
    assert await shop.rewards(reference) == {"erik": ("clawed_back", 0)}


async def test_two_instances_decide_as_one_would(shop: Shop) -> None:
    """Touch, identity and order of one person arrive in any order, at two instances of each."""
    triples = [(unique("v"), unique("c"), unique("o")) for _ in range(TRIPLES)]
    tokens = [await shop.click("VERA", new_visitor()) for _ in range(20)]
    touches = [_page(v, tokens[n % len(tokens)]) for n, (v, _, _) in enumerate(triples)]
    orders = [order(o, c, "40.00", visitor=v) for v, c, o in triples]
    people = [identify(v, c) for v, c, _ in triples]
    await asyncio.gather(
        *(shop.batch(part, key="patient") for part in _parts(orders)),
        *(shop.batch(part, key="patient") for part in _parts(people)),
        *(shop.batch(part, key="patient") for part in _parts(touches)),
    )
    await shop.settled()
    wanted = {reference: {"vera": ("fulfilled", 200)} for _, _, reference in triples}
    found = {reference: await shop.rewards(reference) for reference in wanted}
    assert {k: v for k, v in found.items() if v != wanted[k]} == {}


def _page(visitor: str, token: str) -> dict[str, Any]:
    """A page opened with a link token now, whenever this is told."""
    return {
        "type": "page",
        "messageId": f"p-{visitor}",
        "anonymousId": visitor,
        "timestamp": datetime.now(UTC).isoformat(),
        "context": {"page": {"url": f"https://shop.example.com/?gw={token}"}},
    }


def _parts(messages: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [messages[n : n + 50] for n in range(0, len(messages), 50)]


async def _state(platform: Running) -> dict[str, str]:
    """A digest of every table of every service; the kit's own plumbing apart."""
    digests: dict[str, str] = {}
    for service in WITH_DATABASE:
        async with database(platform, service) as connection:
            digests |= await _digests(service, connection)
    return digests


async def _digests(service: str, connection: asyncpg.Connection) -> dict[str, str]:
    tables = await connection.fetch(
        "SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public'"
    )
    digest = "coalesce(sum(hashtextextended(t::text, 0)), 0)::text"
    return {
        f"{service}.{name}": await connection.fetchval(f'SELECT {digest} FROM "{name}" AS t')
        for table in tables
        if (name := table["relname"]) not in ("spans", "schema_migrations")
    }


async def _empty_inboxes(platform: Running) -> None:
    for service in WITH_DATABASE:
        async with database(platform, service) as connection:
            await connection.execute("DELETE FROM kit.inbox")


async def _replay_everything(platform: Running) -> int:
    kafka, prefix = platform.infrastructure.kafka_bootstrap, platform.topic_prefix
    async with Broker.connected(kafka, prefix) as broker:
        return sum([await broker.replay(topic.name) for topic in TOPICS])


@pytest.mark.parametrize("inbox", ["kept", "emptied"])
async def test_replaying_every_topic_changes_no_row(shop: Shop, inbox: str) -> None:
    platform, reference = shop.platform, unique("o")
    await shop.batch([order(reference, unique("c"), "10.00")])
    await shop.settled()
    before = await _state(platform)
    mails = len(platform.mail.mails)
    if inbox == "emptied":
        await _empty_inboxes(platform)
    assert await _replay_everything(platform) > 50
    await shop.settled()
    after = await _state(platform)
    assert {name for name in after if after[name] != before[name]} == set()
    assert len(platform.mail.mails) == mails
