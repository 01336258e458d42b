"""Webhooks to a receiver that misbehaves, crashes in the send window, digests, two instances."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from notifications.domain.schedule import next_digest_at
from notifications.senders import pump
from notifications.senders.webhooks import Hooks
from notifications.store import claims
from service_kit.testing import Given
from shared_schemas.events.notifications import MessageSent, MessageUnknown
from standardwebhooks import Webhook

from .builders import NOW, market, participant, rewarded
from .conftest import AS_OPERATOR, House

pytestmark = pytest.mark.real


async def told(house: House, n: int = 1, **given: object) -> Given:
    """A reward event of this moment is heard."""
    made = rewarded(n, at=datetime.now(UTC), **given)
    await house.harness.deliver(made)
    return made


async def reachable(house: House) -> None:
    await house.harness.hear_table(market(), participant())
    await house.harness.deliver(house.people.contact("ann"))


async def test_a_webhook_is_signed_so_that_the_official_library_verifies_it(house: House) -> None:
    made = await house.endpoint(event_types=["reward.pending.v1"])
    await told(house)
    await house.send()
    ((line, headers, body),) = house.target.requests
    verified = Webhook(made["secret"]).verify(body, headers)
    assert line == "POST /hook HTTP/1.1"
    assert verified["type"] == "reward.pending.v1"
    assert verified["data"]["reward_id"] == "r1"
    (sent,) = [
        e for e in await house.harness.emitted_all(MessageSent) if e.data.channel == "webhook"
    ]
    assert headers["webhook-id"] == sent.data.delivery_id
    stored = str(await house.harness.snapshot())
    assert made["secret"] not in stored


async def test_an_endpoint_hears_what_it_asked_for_from_then_on(house: House) -> None:
    await house.harness.deliver(rewarded(1, at=NOW - timedelta(days=1)))
    await house.endpoint(event_types=["reward.approved.v1"])
    await told(house, 2)
    await house.send()
    assert house.target.requests == []


@pytest.mark.parametrize("status", [500, 404, 301])
async def test_a_failure_is_tried_again_later_and_redirects_are_not_followed(
    house: House, status: int
) -> None:
    await house.endpoint()
    house.target.answer = (status, {"Location": house.target.url + "/other"}, b"")
    await told(house)
    await house.send()
    assert await house.state("webhook") == [("due", f"answered {status}", 1)]
    (row,) = await house.harness.fetch(
        "SELECT next_attempt_at - now() AS left FROM deliveries WHERE channel = 'webhook'"
    )
    assert timedelta(seconds=2) < row["left"] < timedelta(seconds=6)
    house.target.answer = (204, {}, b"")
    await house.harness.fetch("UPDATE deliveries SET next_attempt_at = now()")
    await house.send()
    assert await house.state("webhook") == [("sent", "", 2)]
    ids = [headers["webhook-id"] for _, headers, _ in house.target.requests]
    assert len(set(ids)) == 1


async def test_retry_after_is_honoured_and_an_endless_answer_is_cut(house: House) -> None:
    await house.endpoint()
    house.target.answer = (429, {"Retry-After": "900"}, b"x" * 200_000)
    await told(house)
    await house.send()
    (row,) = await house.harness.fetch(
        "SELECT next_attempt_at - now() AS left FROM deliveries WHERE channel = 'webhook'"
    )
    assert timedelta(seconds=890) < row["left"] <= timedelta(seconds=900)


async def test_an_endpoint_that_is_gone_is_disabled_with_all_that_waits(house: House) -> None:
    await house.endpoint()
    house.target.answer = (500, {}, b"")
    await told(house, 1)
    await house.send()
    house.target.answer = (410, {}, b"")
    await told(house, 2)
    await house.send()
    assert await house.state("webhook") == [
        ("failed", "endpoint_disabled", 1),
        ("failed", "gone", 1),
    ]
    (shown,) = (await house.client.get("/v1/endpoints", headers=AS_OPERATOR)).json()
    assert shown["disabled_reason"] == "answered 410 Gone"
    await told(house, 3)
    assert len(await house.state("webhook")) == 2


async def test_a_hanging_receiver_times_out_and_holds_nobody_else_back(house: House) -> None:
    house.webhooks = pump.Pump(house.harness.runtime, Hooks(house.harness.runtime, seconds=0.3))
    await reachable(house)
    await house.endpoint()
    house.target.hangs.clear()
    await told(house)
    await house.send()
    assert await house.state("webhook") == [("due", "TimeoutError", 1)]
    assert await house.state("email") == [("sent", "", 1)]


async def test_a_crash_in_the_send_window_is_unknown_for_mail_and_tried_again_for_webhooks(
    house: House,
) -> None:
    await reachable(house)
    await house.endpoint()
    await told(house)
    now = house.harness.runtime.now()
    async with house.harness.transaction() as tx:  # the claims of an instance that then died
        await claims.claim_mail(tx, now, 10)
        await claims.claim_webhooks(tx, now, 10, [])
    await house.send()
    await pump.sweep_once(house.harness.runtime, now + timedelta(seconds=30))
    assert await house.state("email") == [("due", "", 0)]
    await pump.sweep_once(house.harness.runtime, now + timedelta(seconds=61))
    ((state, _, attempts),) = await house.state("email")
    assert (state, attempts) == ("unknown", 1)
    assert (await house.state("webhook"))[0][0] == "due"
    (unknown,) = await house.harness.emitted_all(MessageUnknown)
    await pump.sweep_once(house.harness.runtime, now + timedelta(days=1))
    await house.send()
    assert house.inbox.mails == []
    answer = await house.client.post(
        f"/v1/deliveries/{unknown.data.delivery_id}/decide",
        json={"was_sent": True},
        headers=AS_OPERATOR,
    )
    assert answer.json()["state"] == "sent"


async def test_two_instances_send_each_mail_once(house: House) -> None:
    await reachable(house)
    await house.harness.deliver(*(rewarded(n) for n in range(20)))
    other = pump.Pump(house.harness.runtime, house.mail._channel)

    async def drain(one: pump.Pump) -> None:
        while await one.step():
            pass

    await asyncio.gather(drain(house.mail), drain(other))
    assert await house.state("email") == [("sent", "", 1)] * 20
    assert len({mail["Message-ID"] for mail in house.inbox.mails}) == 20
    assert len(house.inbox.mails) == 20


async def prefers(house: House, email: str) -> None:
    body = {"subject": "ann", "email": email}
    answer = await house.client.post("/v1/preferences", json=body, headers=AS_OPERATOR)
    assert answer.status_code == 200


async def test_a_digest_collects_until_eight_and_is_one_mail(house: House) -> None:
    await reachable(house)
    await prefers(house, "digest")
    yesterday = NOW - timedelta(days=1)
    events = [rewarded(n, at=yesterday) for n in (1, 2)]
    await house.harness.deliver(*events)
    await house.send()
    assert house.inbox.mails == []
    await house.harness.fire_due(until=next_digest_at(yesterday, "Europe/Berlin"))
    await house.send()
    (mail,) = house.inbox.mails
    assert mail["Subject"] == "2 pieces of news about your rewards"
    states = await house.state("email")
    assert [state for state, _, _ in states] == ["sent"] * 3
    mails = [e.data for e in await house.harness.emitted_all(MessageSent)]
    assert sum(one.channel == "email" for one in mails) == 3
    before = await house.harness.snapshot()
    await house.harness.fetch("DELETE FROM kit.inbox")
    await house.harness.deliver(*events)
    await house.harness.fire_due(until=next_digest_at(yesterday, "Europe/Berlin"))
    assert await house.harness.snapshot() == before


async def test_a_digest_waits_for_its_market_s_zone(house: House) -> None:
    await prefers(house, "digest")
    await told(house)
    assert await house.harness.waiting() == [("market", "eu")]
    await house.harness.hear_table(market())
    assert await house.harness.waiting() == []
    assert len(await house.state("email")) == 1


async def test_who_wants_no_mail_gets_none_not_even_what_was_due(house: House) -> None:
    await reachable(house)
    await told(house, 1)
    await prefers(house, "none")
    await told(house, 2)
    await house.send()
    assert await house.state("email") == [("failed", "unsubscribed", 0)] * 2
    assert house.inbox.mails == []
