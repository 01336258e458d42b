"""Bad events on real topics: each is set aside with its reason, and nobody else notices."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata
from goodword.platform import Running
from shared_schemas.envelope import Envelope, Headers
from shared_schemas.events.tracking import Consent, ConversionRecorded
from shared_schemas.ids import conversion_id
from shared_schemas.words import ConsentMode, ConsentState, Trigger, Trust

from .looking import database, producing, records
from .shop import Shop, eventually, order, unique

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

TOPIC = "tracking.conversions"
REPORT = ConversionRecorded.TYPE
HUGE = 1_010_000  # more than a service takes, less than Kafka's own limit
PAID = {"ella": ("fulfilled", 200)}
Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that nobody can handle, and the reason for which it is parked."""

    reason: str
    detail: str
    body: bytes | None
    headers: Headers
    keyed: bool = True
    parked_by: Sequence[str] = ("attribution", "fraud")


def _envelope(event_type: str = REPORT) -> Headers:
    now = datetime.now(UTC)
    return Envelope(
        event_id=unique("poison"), event_type=event_type, source="shop/other", time=now
    ).to_headers()


def _with(name: str, value: bytes) -> Headers:
    return [(n, value if n == name else v) for n, v in _envelope()]


def _body(**changed: object) -> bytes:
    """A report as it should be, but for what is changed."""
    now = datetime.now(UTC)
    good = ConversionRecorded(
        conversion_id=conversion_id("sale", "poison"),
        trigger=Trigger.PURCHASE,
        family="sale",
        reference="poison",
        amount_minor=4_000,
        currency="USD",
        customer_id=unique("c"),
        market_id="us",
        consent=Consent(mode=ConsentMode.OPT_OUT, state=ConsentState.UNKNOWN),
        trust=Trust.SECRET,
        occurred_at=now,
        received_at=now,
    )
    return json.dumps(json.loads(good.to_json()) | changed).encode()


POISONS: dict[str, Callable[[], Poison]] = {
    "bad JSON": lambda: Poison("invalid_body", "json_invalid", b'{"conversion_id": ', _envelope()),
    "wrong type": lambda: Poison(
        "invalid_body", "amount_minor: int_type", _body(amount_minor="many"), _envelope()
    ),
    "unknown version": lambda: Poison(
        "unknown_version", "conversion.recorded.v9", b"{}", _envelope("conversion.recorded.v9")
    ),
    "huge": lambda: Poison("oversized", "bytes", _body(product="x" * HUGE), _envelope()),
    "neither key nor body": lambda: Poison("null_body", "no body", None, _envelope(), keyed=False),
    "bad header": lambda: Poison(
        "bad_envelope", "ce_time", _body(), _with("ce_time", b"yesterday")
    ),
    "no envelope": lambda: Poison("bad_envelope", "ce_id is missing", _body(), []),
    "a value that the database refuses": lambda: Poison(
        "handler_failed",
        "",
        _body(reference="nul\0"),  # only attribution keeps it
        _envelope(),
        parked_by=["attribution"],
    ),
}
"""Seven kinds that are seen when they are read, and one that only a handler's failure shows."""


@pytest.fixture
async def poisoned(shop: Shop) -> dict[str, tuple[Poison, Place, str]]:
    """All poisons published, each under the key of an order beside it: its place, that order."""
    found: dict[str, tuple[Poison, Place, str]] = {}
    async with producing(shop.platform) as producer:
        for kind, make in POISONS.items():
            poison, reference = make(), unique("o")
            topic = shop.platform.topic_prefix + TOPIC
            key = conversion_id("sale", reference).encode() if poison.keyed else None
            sent = await _sent(producer, topic, key, poison)
            found[kind] = (poison, (TOPIC, sent.partition, sent.offset), reference)
    return found


async def _sent(
    producer: AIOKafkaProducer, topic: str, key: bytes | None, poison: Poison
) -> RecordMetadata:
    """A batch of our own making may hold what `send` refuses: a record without key and body."""
    if key is not None:
        return await producer.send_and_wait(topic, poison.body, key, headers=poison.headers)
    batch = producer.create_batch()
    batch.append(timestamp=None, key=None, value=poison.body, headers=poison.headers)
    return await (await producer.send_batch(batch, topic, partition=0))


async def test_each_kind_is_parked_once_with_its_reason_and_harms_no_neighbour(
    shop: Shop, poisoned: dict[str, tuple[Poison, Place, str]]
) -> None:
    references = [reference for _, _, reference in poisoned.values()]
    await shop.batch([order(ref, unique("c"), "40.00", code="ELLA") for ref in references])
    await shop.settled()
    assert {ref: await shop.rewards(ref) for ref in references} == dict.fromkeys(references, PAID)
    for service in ("attribution", "fraud"):
        wanted = {kind: one for kind, one in poisoned.items() if service in one[0].parked_by}
        parked = {_place(row): row for row in await shop.parked(service)}
        found = {kind: parked.get(place, {}) for kind, (_, place, _) in wanted.items()}
        assert {kind: row.get("reason") for kind, row in found.items()} == {
            kind: poison.reason for kind, (poison, _, _) in wanted.items()
        }
        for kind, (poison, _, _) in wanted.items():
            assert poison.detail in found[kind]["detail"]
        told = await _told_of(shop.platform, service)
        assert [told[place] for _, place, _ in wanted.values()] == [1] * len(wanted)
        await _discard_all(shop, service)


async def _told_of(platform: Running, service: str) -> Counter[Place]:
    """How often a service has told that it parked the record at a place."""
    found = await records(platform, f"{platform.topic_prefix}{service}.parked")
    bodies = [json.loads(record.value) for record in found if record.value is not None]
    return Counter(_place(body) for body in bodies if "outcome" not in body)


def _place(row: dict[str, Any]) -> Place:
    return row["topic"], row["partition"], row["offset"]


async def _discard_all(shop: Shop, service: str) -> None:
    """The first by the command line, as an operator would; the others by what is behind it."""
    first, *others = await _goodword(shop, "list", "--service", service, "--json")
    told = await _goodword(
        shop, "discard", first["id"], "--service", service, "--source", first["source"]
    )
    assert "discarded" in told
    for row in others:
        answer = await shop.decide(service, "discard", row)
        assert answer.status_code == 200, answer.text
    assert await shop.parked(service) == []
    again = await shop.decide(service, "discard", first)
    assert again.status_code == 404


async def _goodword(shop: Shop, *arguments: str) -> Any:
    """`goodword dlq …` in a process of its own; JSON is read."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "goodword", "dlq", *arguments),
        *("--state", str(shop.platform.state)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    return json.loads(told) if "--json" in arguments else told.decode()


async def test_an_unknown_type_is_passed_over_and_counted(shop: Shop) -> None:
    before = await _passed_over(shop)
    aside = {service: await shop.parked(service) for service in before}
    async with producing(shop.platform) as producer:
        await producer.send_and_wait(
            shop.platform.topic_prefix + TOPIC,
            value=b"{}",
            key=b"k",
            headers=_envelope("parcel.sent.v1"),
        )

    async def counted() -> bool:
        return await _passed_over(shop) == {name: count + 1 for name, count in before.items()}

    await eventually(counted, seconds=60)
    assert {service: await shop.parked(service) for service in before} == aside


async def _passed_over(shop: Shop) -> dict[str, float]:
    """By service, what its instances together have counted."""
    found = {}
    for service in ("attribution", "fraud"):
        pages = [
            (await shop.http.get(f"{instance.url}/metrics")).text
            for instance in shop.platform.services[service]
        ]
        lines = [line for page in pages for line in page.splitlines()]
        name = f'goodword_unknown_types_skipped_total{{topic="{TOPIC}"}}'
        found[service] = sum(float(line.split()[-1]) for line in lines if line.startswith(name))
    return found


async def test_on_an_ordered_topic_only_its_own_key_waits_behind_a_poison(shop: Shop) -> None:
    topic, behind, beside = "rewards.rewards", unique("o"), unique("o")
    async with producing(shop.platform) as producer:
        await producer.send_and_wait(
            shop.platform.topic_prefix + topic,
            value=b"{",
            key=b"emma",
            headers=_envelope("reward.pending.v1"),
        )
    await shop.batch(
        [
            order(behind, unique("c"), "40.00", code="EMMA"),
            order(beside, unique("c"), "40.00", code="ELLA"),
        ]
    )
    await shop.settled()
    assert await shop.rewards(beside) == PAID
    assert await shop.rewards(behind) == {}
    for service in ("hub", "notifications", "partners"):
        (row,) = [row for row in await shop.parked(service) if row["state"] == "parked"]
        assert (row["topic"], row["key"], row["reason"]) == (topic, "emma", "invalid_body")
        assert (await shop.decide(service, "discard", row)).status_code == 200
    await shop.settled()
    assert await shop.rewards(behind) == {"emma": ("fulfilled", 200)}
    assert [len(await shop.parked(each)) for each in ("hub", "notifications", "partners")] == [
        0
    ] * 3


async def test_what_was_parked_for_a_bug_is_applied_once_after_the_bug_is_gone(shop: Shop) -> None:
    reference = unique("o")
    async with database(shop.platform, "attribution") as connection:
        await connection.execute(
            f"ALTER TABLE reports ADD CONSTRAINT bug CHECK (reference <> '{reference}')"
        )
        try:
            await shop.batch([order(reference, unique("c"), "40.00", code="ELLA")])
            await shop.settled()
            (row,) = await _parked_under(shop, reference)
            assert row["reason"] == "handler_failed"
            refused = await shop.decide("attribution", "release", row)
            assert refused.status_code == 409
        finally:
            await connection.execute("ALTER TABLE reports DROP CONSTRAINT bug")
    released = await shop.decide("attribution", "release", row)
    assert released.json() == {"outcome": "applied"}, released.text
    await shop.settled()
    assert await shop.rewards(reference) == PAID
    assert (await shop.decide("attribution", "release", row)).status_code == 404
    assert await _parked_under(shop, reference) == []


async def _parked_under(shop: Shop, reference: str) -> list[dict[str, Any]]:
    key = conversion_id("sale", reference)
    return [row for row in await shop.parked("attribution") if row["key"] == key]
