"""Digests: nothing is collected for one that has gone."""

from datetime import UTC, datetime, timedelta

import pytest
from notifications.senders import pump

from .builders import NOW, market, participant, rewarded
from .conftest import AS_OPERATOR, House

pytestmark = pytest.mark.real
EIGHT = datetime(2026, 11, 3, 7, tzinfo=UTC)  # 08:00 in Berlin


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
