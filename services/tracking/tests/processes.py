"""Tracking as a real process on the real broker."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from service_kit.producer import Record
from shared_schemas.envelope import Envelope
from shared_schemas.event import EventData
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    KeyIssued,
    LinkIssued,
    LinkPeriod,
)
from shared_schemas.keys import KeyKind, api_key_hash
from shared_schemas.topics import TOPICS
from shared_schemas.words import AttributionModel, ConsentMode

from .builders import MATCH_KEY, PEPPER, PUBLIC_DAY_KEY, SECRET_KEY, TOKEN_SECRET, decoded

OPERATOR_TOKEN = "0perator-of-this-test-only"
SECRETS = {
    "GOODWORD_OPERATOR_TOKEN": OPERATOR_TOKEN,
    "GOODWORD_MATCH_KEY": MATCH_KEY,
    "GOODWORD_KEY_PEPPER": PEPPER,
    "GOODWORD_TOKEN_SECRET": TOKEN_SECRET,
}
_READ = [
    topic.name
    for topic in TOPICS
    if topic.name in ("programs.programs", "programs.links", "programs.keys")
]
_OWNED = [topic.name for topic in TOPICS if topic.owner == "tracking"]
_BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def table_records(*, codes: Sequence[str] = ("anna",)) -> list[Record]:
    """An opt-out market, a link a code, a secret and a day key, as `programs` publishes them."""
    heard: list[EventData] = [
        AttributionPolicyActivated(
            market_id="us",
            version=1,
            effective_at=_BEGUN,
            activated_at=_BEGUN,
            currency="USD",
            language="en",
            zone="America/New_York",
            consent_mode=ConsentMode.OPT_OUT,
            model=AttributionModel.LAST,
            windows=(),
            grace_seconds=0,
            actor="operator",
        ),
        *(_link(code) for code in codes),
        KeyIssued(
            key_id="k-1",
            revision=1,
            kind=KeyKind.SECRET,
            source="shop/secret",
            hash=api_key_hash(PEPPER, SECRET_KEY),
            market_id="us",
            valid_from=_BEGUN,
        ),
        KeyIssued(
            key_id="day",
            revision=1,
            kind=KeyKind.DAY,
            public_key=PUBLIC_DAY_KEY,
            valid_from=_BEGUN,
        ),
    ]
    return [_record(data) for data in heard]


def _link(code: str) -> LinkIssued:
    return LinkIssued(
        code=code,
        revision=1,
        program_id="friends",
        market_id="us",
        destination="https://shop.example.com/",
        issued_at=_BEGUN,
        history=(LinkPeriod(from_at=_BEGUN, participant_id=f"p-{code}"),),
    )


def _record(data: EventData) -> Record:
    topic = TOPICS.home(data.TYPE, owner="programs")
    key = topic.key_of(data)
    envelope = Envelope(
        event_id=f"{data.TYPE}/{key}",
        event_type=data.TYPE,
        source="goodword/programs",
        time=_BEGUN + timedelta(days=1),
        key=key,
    )
    return Record(topic.name, key.encode(), envelope.to_headers(), data.to_json())


async def create_topics(kafka: str, prefix: str, partitions: int = 1) -> None:
    """The topics that tracking reads and owns."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(prefix + name, partitions, 1) for name in (*_READ, *_OWNED)]
        )
    finally:
        await admin.close()


async def delete_topics(kafka: str, prefix: str) -> None:
    """Undo `create_topics`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_topics([prefix + name for name in (*_READ, *_OWNED)])
    finally:
        await admin.close()


async def published(kafka: str, prefix: str, least: int) -> list[tuple[Envelope, EventData]]:
    """What tracking has published, once it is at least so much."""
    found: list[tuple[Envelope, EventData]] = []
    async with asyncio.timeout(20), _reading(kafka, prefix) as consumer:
        while len(found) < least:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [
                    decoded(Record(r.topic, r.key, list(r.headers), r.value)) for r in records
                ]
    return found


async def all_published(kafka: str, prefix: str) -> list[Record]:
    """Everything that tracking has published up to now, in the order of each partition."""
    found: list[Record] = []
    async with asyncio.timeout(60), _reading(kafka, prefix) as consumer:
        for partition, end in (await consumer.end_offsets(consumer.assignment())).items():
            while await consumer.position(partition) < end:
                some = (await consumer.getmany(partition, timeout_ms=200)).get(partition, [])
                found += [Record(r.topic, r.key, list(r.headers), r.value) for r in some]
    return found


@asynccontextmanager
async def _reading(kafka: str, prefix: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        *(prefix + name for name in _OWNED),
        bootstrap_servers=kafka,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@dataclass(frozen=True, slots=True)
class Running:
    """One process and a client of it."""

    process: asyncio.subprocess.Process
    client: httpx.AsyncClient
    url: str

    async def answers(self, path: str, *statuses: int) -> httpx.Response:
        """The first answer of one of these statuses."""
        async with asyncio.timeout(30):
            while True:
                assert self.process.returncode is None, "it ended"
                try:
                    answer = await self.client.get(path)
                    if answer.status_code in statuses:
                        return answer
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    async def status(self) -> dict[str, object]:
        """What the process says of itself to an operator."""
        headers = {"authorization": f"Bearer {OPERATOR_TOKEN}"}
        answer = await self.client.get("/internal/status", headers=headers)
        found: dict[str, object] = answer.json()
        return found

    async def drained(self, within_seconds: float = 60) -> None:
        """Until it has started and its spool is empty."""
        async with asyncio.timeout(within_seconds):
            await self.answers("/health/live", 200)
            while (await self.status()).get("spooled") != 0:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@asynccontextmanager
async def running(
    kafka: str, prefix: str, folder: Path, **settings: object
) -> AsyncIterator[Running]:
    """`python -m tracking` with changed settings, ended at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with (folder / "log").open("a") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tracking",
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
            env=kept
            | SECRETS
            | {
                "GOODWORD_KAFKA": kafka,
                "GOODWORD_TOPIC_PREFIX": prefix,
                "GOODWORD_PORT": str(port),
                "GOODWORD_STATE_FOLDER": str(folder),
                "GOODWORD_SNAPSHOT_SECONDS": "0.05",
            }
            | {f"GOODWORD_{name.upper()}": str(value) for name, value in settings.items()},
        )
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url) as client:
        try:
            yield Running(process, client, url)
        finally:
            if process.returncode is None:
                process.terminate()
            await asyncio.wait_for(process.wait(), 25)
