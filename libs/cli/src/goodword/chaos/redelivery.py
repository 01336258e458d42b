"""Produces a share of all records once more while they come, as a broker in trouble might."""

import random
from contextlib import suppress
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError
from shared_schemas.topics import TOPICS

from ..platform import Running
from .planting import MARK

_POLL_MILLISECONDS = 200


@dataclass(slots=True)
class Redelivery:
    """Reads what services hear as events, and repeats `share` of it; `count` says how much."""

    platform: Running
    share: float
    chance: random.Random
    count: int = 0

    async def run(self) -> None:
        """Until cancelled. While Kafka is away it waits, and then goes on where it was."""
        prefix = self.platform.topic_prefix
        kafka = self.platform.infrastructure.kafka_bootstrap.split(",")
        topics = [prefix + topic.name for topic in TOPICS if topic.heard_by and not topic.table]
        producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
        consumer = AIOKafkaConsumer(
            *topics, bootstrap_servers=kafka, group_id=None, auto_offset_reset="earliest"
        )
        async with producer, consumer:
            while True:
                with suppress(KafkaError):
                    polled = await consumer.getmany(timeout_ms=_POLL_MILLISECONDS)
                    for records in polled.values():
                        await self._repeat(producer, records)

    async def _repeat(
        self, producer: AIOKafkaProducer, records: "list[ConsumerRecord[bytes, bytes]]"
    ) -> None:
        for record in records:
            planted = any(name == MARK for name, _ in record.headers)
            if planted or self.chance.random() >= self.share:
                continue
            await producer.send(
                record.topic,
                value=record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
            self.count += 1
