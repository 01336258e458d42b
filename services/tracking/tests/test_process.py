"""The real process on the real broker: durable answers, foreign clients, starts without Kafka."""

import asyncio
from pathlib import Path

import pytest
from local_stack.infrastructure import Infrastructure
from segment.analytics.client import Client
from service_kit.producer import Producer
from shared_schemas.events.contacts import ContactSubmitted
from shared_schemas.events.tracking import (
    ClickRecorded,
    CodeEntered,
    ConversionRecorded,
    IdentityLinked,
    LeadSubmitted,
)
from tracking.loops import SNAPSHOT_NAME
from tracking.store.snapshot import load

from .builders import SECRET_KEY, Broker, order, settings
from .processes import create_topics, published, running, table_records

pytestmark = pytest.mark.real
KEY = {"authorization": f"Bearer {SECRET_KEY}"}
NOBODY = "127.0.0.1:1"  # where no broker is


async def tell_tables(kafka: str, prefix: str) -> None:
    producer = Producer(settings(kafka=kafka, topic_prefix=prefix))
    answers = await producer.send_all(table_records(), deadline_seconds=20)
    assert answers == [None] * len(answers)
    await producer.stop()


@pytest.fixture
async def kafka(infrastructure: Infrastructure, topic_prefix: str) -> str:
    await create_topics(infrastructure.kafka_bootstrap, topic_prefix)
    return infrastructure.kafka_bootstrap


async def test_the_brokers_stand_in_answers_as_the_real_one_does(
    kafka: str, topic_prefix: str
) -> None:
    producer = Producer(settings(kafka=kafka, topic_prefix=topic_prefix))
    standing_in, away = Broker(), Broker()
    away.away = True
    records = table_records()
    for publisher in (producer, standing_in):
        assert await publisher.send_all(records, deadline_seconds=20) == [None] * len(records)
    await producer.stop()
    for publisher in (Producer(settings(kafka=NOBODY)), away):
        with pytest.raises(Exception):  # noqa: B017, PT011 - the journal takes any as "away"
            await publisher.send_all(records, deadline_seconds=5)


async def test_clicks_and_messages_are_on_kafka_when_they_are_answered(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    await tell_tables(kafka, topic_prefix)
    async with running(kafka, topic_prefix, tmp_path) as tracking:
        answer = await tracking.answers("/r/anna", 302)
        assert answer.headers["location"].startswith("https://shop.example.com/?gw=")
        assert (await tracking.answers("/r/nobody", 404)).status_code == 404
        assert (await tracking.answers("/health/ready", 200)).status_code == 200
        token = answer.headers["location"].partition("gw=")[2]
        sale = order(context={"gw": token})
        assert (await tracking.client.post("/v1/track", json=sale, headers=KEY)).json()[
            "result"
        ] == "ok"
        (_, click), (_, conversion) = sorted(
            await published(kafka, topic_prefix, 2), key=lambda one: one[0].event_type
        )
        assert isinstance(click, ClickRecorded)
        assert isinstance(conversion, ConversionRecorded)
        assert conversion.token is not None
        assert conversion.token.click_id == click.click_id
        assert conversion.token.clicked_at == click.occurred_at
        tracking.process.terminate()
        assert await asyncio.wait_for(tracking.process.wait(), 20) == 0
    assert {getattr(entry, "code", None) for entry in load(tmp_path / SNAPSHOT_NAME)} >= {"anna"}


async def test_started_without_kafka_it_redirects_from_its_snapshot_and_spools_until_it_is_back(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    await tell_tables(kafka, topic_prefix)
    async with running(kafka, topic_prefix, tmp_path) as tracking:
        await tracking.answers("/r/nobody", 404)
        while not (tmp_path / SNAPSHOT_NAME).exists():
            await tracking.answers("/r/nobody", 404)
        tracking.process.kill()
    async with running(NOBODY, topic_prefix, tmp_path) as tracking:
        assert (await tracking.answers("/r/anna", 302)).headers["location"]
        assert (await tracking.client.get("/r/nobody")).status_code == 503
        unknown = {"authorization": "Bearer gw_sk_unknown"}
        answer = await tracking.client.post("/v1/track", json=order(), headers=unknown)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        answer = await tracking.client.post("/v1/track", json=order(), headers=KEY)
        assert (answer.status_code, answer.json()["result"]) == (200, "ok")
        assert int(str((await tracking.status())["spooled"])) >= 1
        metrics = (await tracking.client.get("/metrics")).text
        assert "goodword_spool_records " in metrics
        assert "goodword_touches_unacknowledged_total 0.0" in metrics
        tracking.process.kill()
    async with running(kafka, topic_prefix, tmp_path) as tracking:
        await tracking.drained()
        events = [event for _, event in await published(kafka, topic_prefix, 2)]
        assert {type(event) for event in events} == {ClickRecorded, ConversionRecorded}


async def test_segments_own_python_library_works_unchanged(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    await tell_tables(kafka, topic_prefix)
    async with running(kafka, topic_prefix, tmp_path) as tracking:
        await tracking.answers("/health/ready", 200)
        failures: list[object] = []
        client = Client(
            SECRET_KEY,
            host=tracking.url,
            gzip=True,
            max_retries=2,
            on_error=lambda error, _batch: failures.append(error),
        )
        client.identify("customer-1", {"plan": "pro"}, anonymous_id="visitor-1")
        sale = {"order_id": "order-1", "total": 49.9, "currency": "EUR"}
        client.track("customer-1", "Order Completed", sale)
        client.page("customer-1", "home", "Home")
        client.screen("customer-1", "home", "Home")
        client.group("customer-1", "acme")
        client.alias("lead-77", "customer-1")
        await asyncio.to_thread(client.shutdown)
        assert failures == []
        events = [event for _, event in await published(kafka, topic_prefix, 5)]
        linked = [event for event in events if isinstance(event, IdentityLinked)]
        assert [type(event) for event in events if event not in linked] == [ConversionRecorded]
        assert {(one.visitor_id, one.customer_id, one.account_id) for one in linked} == {
            ("visitor-1", "customer-1", None),
            (None, "customer-1", "acme"),
            ("lead-77", "customer-1", None),
            ("lead-77", "lead-77", None),
        }


async def test_a_lead_and_a_claimed_code_are_on_kafka_when_they_are_answered(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    await tell_tables(kafka, topic_prefix)
    async with running(kafka, topic_prefix, tmp_path) as tracking:
        await tracking.answers("/health/ready", 200)
        keyed = KEY | {"idempotency-key": "k-1"}
        lead = {"code": "anna", "email": "ben@example.com", "name": "Ben"}
        answer = await tracking.client.post("/v1/leads", json=lead, headers=keyed)
        assert answer.json()["result"] == "ok"
        other = await tracking.client.post("/v1/leads", json=lead | {"note": "x"}, headers=keyed)
        assert other.status_code == 409
        form = {"writeKey": SECRET_KEY, "code": "anna", "email": "ben@example.com"}
        page = await tracking.client.post("/v1/codes/claim", data=form)
        assert "Thank you" in page.text
        events = {type(event): event for _, event in await published(kafka, topic_prefix, 3)}
        assert set(events) == {LeadSubmitted, ContactSubmitted, CodeEntered}
        submitted, entered = events[LeadSubmitted], events[CodeEntered]
        assert isinstance(submitted, LeadSubmitted)
        assert isinstance(entered, CodeEntered)
        assert submitted.lead_id == answer.json()["lead_id"]
        assert submitted.email_hash == entered.email_hash is not None
