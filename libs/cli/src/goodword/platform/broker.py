"""What Kafka itself says: where partitions end, how far groups have committed, the records."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from ..errors import PlatformError
from .topics import administering

ASK_SECONDS = 10.0
_COORDINATOR_PAUSE_SECONDS = 0.2
_READ_MILLISECONDS = 500
_READ_RECORDS = 1_000
_FLUSH_SECONDS = 60.0
T = TypeVar("T")


class UnknownTopic(PlatformError):
    """A topic that Kafka does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Kafka has no topic {name}. `goodword topics` lists those there are.")


class KafkaSilent(PlatformError):
    """Kafka does not answer."""

    def __init__(self, kafka: str, cause: str) -> None:
        super().__init__(f"Kafka does not answer at {kafka} ({cause}). See `goodword status`.")


class Broker:
    """Questions to one Kafka. Topic names are without the install's prefix."""

    def __init__(self, kafka: str, prefix: str, admin: AIOKafkaAdminClient) -> None:
        self._kafka = kafka
        self._prefix = prefix
        self._admin = admin
        self._reader = AIOKafkaConsumer(bootstrap_servers=kafka.split(","), group_id=None)

    @classmethod
    @asynccontextmanager
    async def connected(cls, kafka: str, prefix: str = "") -> AsyncIterator["Broker"]:
        """A broker that answers. Raises KafkaSilent."""
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    admin = await stack.enter_async_context(administering(kafka))
                    broker = cls(kafka, prefix, admin)
                    stack.push_async_callback(broker._reader.stop)
                    await broker._reader.start()
                    await asyncio.sleep(0)  # a reader stopped before its tasks began raises
            except (KafkaError, TimeoutError) as error:
                raise KafkaSilent(kafka, type(error).__name__) from None
            yield broker

    async def ends(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        """Where each partition of these topics ends; topics that are missing are left out."""
        partitions = await self._partitions(topics)
        return self._named(await self._asked(self._reader.end_offsets(partitions)))

    async def starts(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        """The first record that each partition still has."""
        partitions = await self._partitions(topics)
        return self._named(await self._asked(self._reader.beginning_offsets(partitions)))

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """Up to where a consumer group has committed."""
        offsets = await self._committed(self._prefix + group)
        ours = {tp: meta.offset for tp, meta in offsets.items() if meta.offset >= 0}
        return self._named({tp: n for tp, n in ours.items() if tp.topic.startswith(self._prefix)})

    async def replay(self, topic: str) -> int:
        """Produce every record that the topic has now once more, unchanged. Returns how many.

        Raises UnknownTopic.
        """
        ends = await self.ends([topic])
        if not ends:
            raise UnknownTopic(topic)
        count = 0
        producer = AIOKafkaProducer(
            bootstrap_servers=self._kafka.split(","), acks="all", enable_idempotence=True
        )
        async with producer:
            async for records in self._read(ends, await self.starts([topic])):
                count += await _produce(producer, records)
        return count

    async def _read(
        self, ends: Mapping[TopicPartition, int], starts: Mapping[TopicPartition, int]
    ) -> "AsyncIterator[list[ConsumerRecord[bytes, bytes]]]":
        """The records of one topic from its start to these ends."""
        left = {self._full(tp): end for tp, end in ends.items() if end > starts[tp]}
        if not left:
            return
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka.split(","), group_id=None)
        async with consumer:
            consumer.assign(list(left))
            await consumer.seek_to_beginning(*left)
            while left:
                polled = await consumer.getmany(
                    *left, timeout_ms=_READ_MILLISECONDS, max_records=_READ_RECORDS
                )
                for tp, records in polled.items():
                    yield [record for record in records if record.offset < left[tp]]
                left = {tp: end for tp, end in left.items() if await consumer.position(tp) < end}

    async def _partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        names = [self._prefix + topic for topic in topics]
        described = await self._asked(self._admin.describe_topics(names)) if names else []
        found = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]
        self._know(found)
        return found

    def _know(self, partitions: Iterable[TopicPartition]) -> None:
        """Have the reader learn of all at once; it would ask topic by topic. It reads nothing."""
        known = self._reader.assignment()
        if not known.issuperset(partitions):
            self._reader.assign(sorted(known.union(partitions)))
            self._reader.pause(*self._reader.assignment())

    async def _committed(self, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """As Kafka has it; a broker that has just started makes its coordinator first."""
        deadline = time.monotonic() + ASK_SECONDS
        while True:
            try:
                found: Mapping[TopicPartition, OffsetAndMetadata]
                found = await self._admin.list_consumer_group_offsets(group)
                return found
            except GroupCoordinatorNotAvailableError as error:
                if time.monotonic() > deadline:
                    raise KafkaSilent(self._kafka, type(error).__name__) from None
                await asyncio.sleep(_COORDINATOR_PAUSE_SECONDS)
            except (KafkaError, TimeoutError) as error:
                raise KafkaSilent(self._kafka, type(error).__name__) from None

    async def _asked(self, question: "Awaitable[T]") -> T:
        try:
            return await asyncio.wait_for(question, ASK_SECONDS)
        except (KafkaError, TimeoutError) as error:
            raise KafkaSilent(self._kafka, type(error).__name__) from None

    def _full(self, tp: TopicPartition) -> TopicPartition:
        return TopicPartition(self._prefix + tp.topic, tp.partition)

    def _named(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        cut = len(self._prefix)
        return {TopicPartition(tp.topic[cut:], tp.partition): n for tp, n in offsets.items()}


async def _produce(
    producer: AIOKafkaProducer, records: "Sequence[ConsumerRecord[bytes, bytes]]"
) -> int:
    sent = [
        await producer.send(
            record.topic,
            value=record.value,
            key=record.key,
            partition=record.partition,
            timestamp_ms=record.timestamp,
            headers=list(record.headers),
        )
        for record in records
    ]
    if sent:
        await asyncio.wait_for(asyncio.gather(*sent), _FLUSH_SECONDS)
    return len(sent)


def lag(
    ends: Mapping[TopicPartition, int],
    starts: Mapping[TopicPartition, int],
    committed: Mapping[TopicPartition, int],
) -> dict[str, int]:
    """How many records a group has still to commit, by topic; topics without any are left out."""
    behind: dict[str, int] = {}
    for tp, end in ends.items():
        done = max(committed.get(tp, 0), starts.get(tp, 0))
        if end > done:
            behind[tp.topic] = behind.get(tp.topic, 0) + end - done
    return behind
