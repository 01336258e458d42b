"""Digests: nothing is collected for one that has gone."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from notifications.senders import pump
from notifications.store import deliveries, digests

from .builders import NOW, market, participant, rewarded
from .conftest import AS_OPERATOR, House

pytestmark = pytest.mark.real
EIGHT = datetime(2026, 11, 3, 7, tzinfo=UTC)  # 08:00 in Berlin
ANN = ("ann", "referrer")


async def _collecting(house: House) -> None:
    await house.harness.hear_table(market(), participant())
    await house.harness.deliver(house.people.contact("ann"))
    body = {"subject": "ann", "email": "digest"}
    answer = await house.client.post("/v1/preferences", json=body, headers=AS_OPERATOR)
    assert answer.status_code == 200


async def _digested(house: House) -> dict[str, datetime | None]:
    rows = await house.harness.fetch(
        "SELECT event_id, digest_at, digest_id FROM deliveries"
        " WHERE channel = 'email' AND event_id LIKE 'e%' AND template NOT LIKE 'digest%'"
    )
    return {row["event_id"]: row["digest_at"] if row["digest_id"] else None for row in rows}


async def test_what_is_heard_after_its_digest_went_is_in_the_next_one(house: House) -> None:
    await _collecting(house)
    await house.harness.deliver(rewarded(1, at=EIGHT - timedelta(hours=1)))
    await house.harness.fire_due(EIGHT)
    late = rewarded(2, at=EIGHT - timedelta(minutes=30))
    await house.harness.deliver(late)
    await house.harness.fire_due(EIGHT + timedelta(days=2))
    assert await _digested(house) == {"e1": EIGHT, "e2": EIGHT + timedelta(days=1)}
    before = await house.harness.snapshot()
    await house.harness.fetch("DELETE FROM kit.inbox")
    await house.harness.deliver(late)
    assert await house.harness.fire_due(EIGHT + timedelta(days=30)) == 0
    assert await house.harness.snapshot() == before


async def test_a_mail_whose_digest_went_without_it_goes_by_itself(house: House) -> None:
    await _collecting(house)
    await house.harness.deliver(rewarded(1, at=NOW))
    ((digest_at,),) = await house.harness.fetch(
        "SELECT digest_at FROM deliveries WHERE channel = 'email'"
    )
    await pump.sweep_once(house.harness.runtime, NOW)
    await house.send()
    assert house.inbox.mails == []
    await house.harness.fetch("UPDATE digests SET gone_through = $1", digest_at)
    await pump.sweep_once(house.harness.runtime, NOW)
    await house.send()
    assert await house.state("email") == [("sent", "", 1)]


async def _until_waiting_for_a_lock(house: House) -> None:
    async with asyncio.timeout(10):
        while not await house.harness.fetch(
            "SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            pass


async def test_a_digest_that_goes_while_its_reader_is_forgotten_locks_nobody_out(
    house: House,
) -> None:
    """Both take the digests' row first: before, each could hold what the other waited for."""
    await _collecting(house)
    await house.harness.deliver(rewarded(1, at=EIGHT - timedelta(hours=1)))
    forgotten = house.people.forgotten("ann")
    async with house.harness.transaction() as tx:
        await digests.advance(tx, {ANN: EIGHT})
        news = rewarded(2, at=EIGHT - timedelta(minutes=30))
        hearing = asyncio.create_task(house.harness.deliver(forgotten, news))
        await _until_waiting_for_a_lock(house)
        collected = await deliveries.lock_collected(tx, *([one] for one in (*ANN, EIGHT)))
        assert [one.event_id for one, _ in collected] == ["e1"]
    await hearing
    assert [state for state, _, _ in await house.state("email")] == ["failed", "failed"]


async def test_the_sweep_and_a_contact_that_is_forgotten_lock_nobody_out(house: House) -> None:
    """The sweep releases what is stranded apart from what it concludes: each in order of ids."""
    await _collecting(house)
    await house.harness.deliver(rewarded(1, at=NOW), rewarded(2, at=NOW))
    mails = await house.harness.fetch(
        "SELECT delivery_id, digest_at FROM deliveries WHERE channel = 'email' ORDER BY 1"
    )
    (stranded, digest_at), (overdue, _) = mails
    await house.harness.fetch(
        "UPDATE deliveries SET sending_since = $2, digest_at = NULL WHERE delivery_id = $1",
        overdue,
        NOW - timedelta(hours=1),
    )
    await house.harness.fetch("UPDATE digests SET gone_through = $1", digest_at)
    async with house.harness.transaction() as tx:
        lock = "SELECT FROM deliveries WHERE delivery_id = $1 FOR UPDATE"
        await tx.execute(lock, stranded)
        sweeping = asyncio.create_task(pump.sweep_once(house.harness.runtime, NOW))
        await _until_waiting_for_a_lock(house)
        await tx.execute(lock, overdue)
    await sweeping
    assert sorted(await house.state("email")) == [
        ("due", "", 0),
        ("unknown", "the process ended while it was being sent", 1),
    ]
