"""Tracking is killed again and again under load while its Kafka hangs, dies and comes back: what it
has acknowledged is on Kafka in the end, and of each key in the order of the answers."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
import pytest
from local_stack import provide
from local_stack.infrastructure import Infrastructure
from local_stack.kafka import LocalKafka
from service_kit.producer import Producer, Record
from shared_schemas import ids

from .builders import SECRET_KEY, order, settings
from .processes import Running, all_published, create_topics, running, table_records

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]
KEY = {"authorization": f"Bearer {SECRET_KEY}"}
CYCLES, WRITERS, BATCH = 10, 4, 20
PREFIX = "kills."
_PAUSE_SECONDS = 0.02  # leaves the processors something for starting


@dataclass
class Load:
    """Clients that go on through everything, and what they were told."""

    tracking: Running | None = None
    stopped: bool = False
    acknowledged: list[str] = field(default_factory=list)  # event ids
    in_order: dict[str, list[str]] = field(default_factory=dict)  # of each visitor
    clicks: int = 0
    cut_off: int = 0
    refused: int = 0

    async def post(self, path: str, body: dict[str, object]) -> bool:
        """Whether it was acknowledged."""
        if self.tracking is None:
            await asyncio.sleep(0.01)
            return False
        try:
            answer = await self.tracking.client.post(path, json=body, headers=KEY, timeout=10)
        except httpx.TransportError:
            await asyncio.sleep(0.01)
            return False
        assert answer.status_code in (200, 503)
        self.refused += answer.status_code == 503
        return answer.status_code == 200

    async def identify(self, visitor: str) -> None:
        """One event after the other, each until it is acknowledged."""
        done = self.in_order[visitor] = []
        while not self.stopped:
            message_id = f"{visitor}-{len(done)}"
            message = {"messageId": message_id, "anonymousId": visitor, "userId": f"c-{visitor}"}
            while not (took := await self.post("/v1/identify", message)) and not self.stopped:
                pass
            if took:
                done.append(ids.door_event_id("shop/secret", message_id))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def batches(self) -> None:
        """Orders, many at once; those of a batch that was not acknowledged are let go."""
        for number in self._numbers():
            batch = [
                order(
                    type="track",
                    messageId=f"b-{number}-{place}",
                    properties={"order_id": f"{number}-{place}", "total": 1, "currency": "USD"},
                )
                for place in range(BATCH)
            ]
            if await self.post("/v1/batch", {"batch": batch}):
                self.acknowledged += [
                    ids.door_event_id("shop/secret", f"b-{number}-{place}")
                    for place in range(BATCH)
                ]
            await asyncio.sleep(_PAUSE_SECONDS)

    async def follow(self) -> None:
        """Links are followed as long as there is anybody to ask."""
        for _ in self._numbers():
            try:
                answer = self.tracking and await self.tracking.client.get("/r/anna", timeout=10)
            except httpx.TransportError:
                answer = None
                self.cut_off += 1
            if answer is not None:
                assert answer.status_code in (302, 503)  # 503: the snapshot is still being read
                self.clicks += answer.status_code == 302
            await asyncio.sleep(_PAUSE_SECONDS)

    def _numbers(self) -> Iterator[int]:
        for number in count():
            if self.stopped:
                return
            yield number


@asynccontextmanager
async def under(load: Load) -> AsyncIterator[None]:
    """Everybody at once, until the end of the block."""
    clients = [load.identify(f"visitor-{number}") for number in range(WRITERS)]
    tasks = [asyncio.create_task(work) for work in (*clients, load.batches(), load.follow())]
    try:
        yield
    finally:
        load.stopped = True
        await asyncio.gather(*tasks)


@pytest.fixture
async def own_kafka(infrastructure: Infrastructure, tmp_path: Path) -> AsyncIterator[LocalKafka]:
    """A broker that nobody else needs."""
    elsewhere = {"GOODWORD_POSTGRES": infrastructure.postgres_url}
    async with provide(tmp_path / "stack", environment=elsewhere) as stack:
        assert stack.kafka is not None
        await create_topics(stack.kafka.url, PREFIX)
        producer = Producer(settings(kafka=stack.kafka.url, topic_prefix=PREFIX))
        answers = await producer.send_all(table_records(), deadline_seconds=20)
        assert answers == [None] * len(answers)
        await producer.stop()
        yield stack.kafka


async def hurt(kafka: LocalKafka, cycle: int) -> None:
    """Every way of being away, in turn."""
    match cycle % 4:
        case 0:
            kafka.freeze()
        case 1:
            kafka.thaw()
        case 2:
            await kafka.kill()
        case _:
            await kafka.restart()


async def test_nothing_acknowledged_is_lost_and_each_keys_order_holds(
    own_kafka: LocalKafka, tmp_path: Path
) -> None:
    load, chance = Load(), random.Random(8)
    folder = tmp_path / "tracking"
    folder.mkdir()
    async with under(load):
        for cycle in range(CYCLES):
            async with _tracking(own_kafka, folder) as load.tracking:
                await load.tracking.answers("/r/anna", 302)
                await hurt(own_kafka, cycle)
                await asyncio.sleep(chance.uniform(0.8, 2.5))
                load.tracking.process.kill()
            load.tracking = None
        async with _tracking(own_kafka, folder) as load.tracking:
            own_kafka.thaw()
            await own_kafka.restart()
            await asyncio.sleep(1)
            load.stopped = True
            await load.tracking.drained()
    found = await all_published(own_kafka.url, PREFIX)
    check(load, found)


def _tracking(kafka: LocalKafka, folder: Path):  # type: ignore[no-untyped-def]
    return running(kafka.url, PREFIX, folder, acknowledge_seconds="0.3")


def check(load: Load, found: list[Record]) -> None:
    """Raises AssertionError for what is missing, came again otherwise, or is out of order."""
    first: dict[str, Record] = {}
    for record in found:
        was = first.setdefault(_header(record, "ce_id"), record)
        assert (was.topic, was.key) == (record.topic, record.key)
        assert _header(was, "ce_bodyhash") == _header(record, "ce_bodyhash")
    place = {event_id: number for number, event_id in enumerate(first)}
    acknowledged = {*load.acknowledged, *(one for own in load.in_order.values() for one in own)}
    assert len(acknowledged) > 500
    assert acknowledged - first.keys() == set()
    for own in load.in_order.values():
        assert own
        assert sorted(own, key=place.__getitem__) == own
    touches = [record for record in first.values() if record.topic.endswith("touches")]
    assert 0 < len(touches) <= load.clicks + load.cut_off
    sys.stdout.write(
        f"{len(acknowledged)} acknowledged, 0 missing; {len(found)} records, {len(first)} events;"
        f" {load.refused} refused; {load.clicks} clicks answered, {len(touches)} on Kafka\n"
    )


def _header(record: Record, name: str) -> str:
    found = dict(record.headers).get(name)
    return found.decode() if found is not None else ""
