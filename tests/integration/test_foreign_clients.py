"""Programs that others wrote, unmodified, at our doors: HTTP, Kafka, webhooks, mail."""

import asyncio
import json
import os
import shutil
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from goodword.demo.receiver import HOOKS, Posted, Receiver
from segment.analytics.client import Client
from shared_schemas.ids import conversion_id
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from .shop import Shop, eventually, new_visitor, order, unique

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


@pytest.fixture
def kcat() -> str:
    """Kafka's command-line client; CI never does without it."""
    found = shutil.which("kcat")
    if found is not None:
        return found
    if os.environ.get("CI"):
        pytest.fail("kcat is missing, and CI tests with it (apt-get install kcat)")
    pytest.skip("kcat is not installed (apt-get install kcat): Kafka was not tried from outside")


async def test_the_segment_library_reports_and_its_customer_is_told_by_mail(shop: Shop) -> None:
    visitor, customer, reference = new_visitor(), unique("c"), unique("o")
    address = f"{customer}@example.org"
    await shop.click("ANN", visitor)
    errors: list[object] = []
    client = Client(
        write_key=shop.platform.keys["server"],
        host=shop.platform.url("tracking"),
        gzip=True,
        on_error=lambda error, _messages: errors.append(error),
    )
    try:
        client.identify(customer, {"email": address, "name": "Zoë Ørsted"}, anonymous_id=visitor)
        bought = {"order_id": reference, "total": 99.9, "currency": "USD"}
        client.track(customer, "Order Completed", bought, anonymous_id=visitor)
        await asyncio.to_thread(client.flush)
    finally:
        await asyncio.to_thread(client.shutdown)
    assert errors == []
    await shop.settled()
    assert await shop.rewards(reference) == {
        "ann": ("fulfilled", 2000),
        customer: ("fulfilled", 1000),
    }
    mails = _mails_to(shop, address)
    assert mails
    for mail in mails:
        assert "Zoë Ørsted" in mail["To"]
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        text = mail.get_body(("plain",))
        assert text is not None
        assert conversion_id("sale", reference) in text.get_content()


def _mails_to(shop: Shop, address: str) -> list[EmailMessage]:
    return [mail.message for mail in shop.platform.mail.mails if address in mail.recipients]


async def test_kcat_publishes_a_won_opportunity_that_is_paid(shop: Shop, kcat: str) -> None:
    reference = unique("O")
    now = datetime.now(UTC).isoformat()
    body = {
        "record_id": reference,
        "connector": "kcat",
        "changed_at": now,
        "stage": "won",
        "market_id": "us",
        "customer_id": unique("c"),
        "code": "EMMA",
        "amount_minor": 100_000,
        "currency": "USD",
    }
    headers = {
        "ce_specversion": "1.0",
        "ce_id": unique("crm"),
        "ce_type": "opportunity.changed.v1",
        "ce_source": "crm/kcat",
        "ce_time": now,
    }
    named = [part for name, value in headers.items() for part in ("-H", f"{name}={value}")]
    topic = f"{shop.platform.topic_prefix}crm.opportunities"
    await _kcat(shop, [kcat, "-P", "-t", topic, "-k", reference, *named], json.dumps(body))
    await eventually(lambda: _is_known(shop, reference))
    await shop.settled()
    assert await shop.rewards(reference) == {"emma": ("fulfilled", 5000)}


async def _is_known(shop: Shop, reference: str) -> bool:
    found = await shop.told("/api/conversions", limit=100)
    return conversion_id("sale", reference) in {row["id"] for row in found["conversions"]}


async def test_kcat_reads_reward_events_with_headers_and_json(shop: Shop, kcat: str) -> None:
    reference = unique("o")
    await shop.batch([order(reference, unique("c"), "60.00", code="ELLA")])
    await shop.settled()
    topic = f"{shop.platform.topic_prefix}rewards.rewards"
    told = await _kcat(shop, [kcat, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J"])
    events = [json.loads(line) for line in told.splitlines()]
    about = conversion_id("sale", reference)
    heard = {
        headers["ce_type"]: body
        for event in events
        if (body := json.loads(event["payload"]))["conversion_id"] == about
        for headers in [_paired(event["headers"])]
    }
    assert set(heard) >= {"reward.pending.v1", "reward.approved.v1", "reward.fulfilled.v1"}
    paid = heard["reward.fulfilled.v1"]
    assert (paid["beneficiary_id"], paid["paid_minor"], paid["currency"]) == ("ella", 300, "USD")
    assert {event["key"] for event in events if about in event["payload"]} == {"ella"}


def _paired(flat: list[str]) -> dict[str, str]:
    """kcat writes headers as a flat list of names and values."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


async def _kcat(shop: Shop, command: list[str], line: str = "") -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        "-b",
        shop.platform.infrastructure.kafka_bootstrap,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, errors = await asyncio.wait_for(process.communicate(line.encode()), 60)
    assert process.returncode == 0, errors.decode()
    return told.decode()


async def test_the_standard_webhooks_library_verifies_what_a_subscriber_gets(
    shop: Shop, outside: Receiver
) -> None:
    made = await shop.http.post(
        f"{shop.platform.url('notifications')}/v1/endpoints",
        json={"url": f"{outside.url}{HOOKS}", "event_types": ["reward.fulfilled.v1"]},
        headers=shop.as_root,
    )
    assert made.status_code == 201, made.text
    endpoint: dict[str, Any] = made.json()
    reference = unique("o")
    try:
        await shop.batch([order(reference, unique("c"), "80.00", code="ELLA")])
        await shop.settled()
        await eventually(lambda: _has_come(outside), seconds=60)
    finally:
        await shop.http.delete(
            f"{shop.platform.url('notifications')}/v1/endpoints/{endpoint['endpoint_id']}",
            headers=shop.as_root,
        )
    about = conversion_id("sale", reference)
    (hook,) = [one for one in outside.hooks if about in one.body]
    verified = _verified(hook, endpoint["secret"])
    assert verified["type"] == "reward.fulfilled.v1"
    assert verified["data"]["paid_minor"] == 400
    with pytest.raises(WebhookVerificationError):
        _verified(Posted(hook.headers, hook.body.replace("400", "401")), endpoint["secret"])


async def _has_come(outside: Receiver) -> bool:
    return bool(outside.hooks)


def _verified(hook: Posted, secret: str) -> dict[str, Any]:
    found: dict[str, Any] = Webhook(secret).verify(hook.body, dict(hook.headers))
    return found
