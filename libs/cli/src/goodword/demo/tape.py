"""Reads topics from their beginning, without a consumer group, and keeps what they say."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition
from pydantic import ValidationError
from shared_schemas.envelope import BadEnvelope, Envelope
from shared_schemas.event import EventData
from shared_schemas.topics import TOPICS

from ..errors import PlatformError

D = TypeVar("D", bound=EventData)
M = TypeVar("M", bound=EventData)
_POLL_MILLISECONDS = 100
_MAX_RECORDS = 5_000


class NeverHeard(PlatformError):
    """Something that should follow did not, in time."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"Waited {seconds:.0f} s for {what}; it did not come.")


@dataclass(frozen=True, slots=True)
class Heard(Generic[D]):
    """One record: its attributes, and its body as the contract reads it."""

    envelope: Envelope
    data: D


class Tape:
    """Everything that some topics have said so far, in the order of each partition."""

    def __init__(self, consumer: "AIOKafkaConsumer[bytes, bytes]") -> None:
        self._consumer = consumer
        self._reached: dict[TopicPartition, int] = {}
        self._arrived = asyncio.Condition()
        self.records: list[Heard[EventData]] = []
        self.unreadable = 0

    @classmethod
    @asynccontextmanager
    async def recording(
        cls, kafka: str, prefix: str, topics: Iterable[str]
    ) -> AsyncIterator["Tape"]:
        """Read these topics from their beginning for as long as the block lasts."""
        consumer = AIOKafkaConsumer(
            *(prefix + topic for topic in topics),
            bootstrap_servers=kafka.split(","),
            group_id=None,
            auto_offset_reset="earliest",
        )
        async with consumer:
            tape = cls(consumer)
            task = asyncio.create_task(tape._read())
            try:
                yield tape
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def of(self, *models: type[M]) -> list[Heard[M]]:
        """The records of these types and their subtypes, in the order read."""
        return [heard for heard in self.records if isinstance(heard.data, models)]  # type: ignore[misc]

    async def first(
        self, model: type[M], matches: Callable[[M], bool], *, deadline_seconds: float = 30
    ) -> M:
        """The first event of a type that matches, once it has come. Raises NeverHeard."""
        found: list[M] = []

        def has_come() -> bool:
            found.extend(heard.data for heard in self.of(model) if matches(heard.data))
            return bool(found)

        try:
            async with asyncio.timeout(deadline_seconds), self._arrived:
                await self._arrived.wait_for(has_come)
        except TimeoutError:
            raise NeverHeard(model.TYPE, deadline_seconds) from None
        return found[0]

    async def to_end(self, *, deadline_seconds: float = 30) -> None:
        """Return when everything that the topics hold now is read. Raises NeverHeard."""
        ends = await self._consumer.end_offsets(list(self._consumer.assignment()))
        try:
            async with asyncio.timeout(deadline_seconds), self._arrived:
                await self._arrived.wait_for(lambda: self._has_reached(ends))
        except TimeoutError:
            raise NeverHeard("the topics' ends", deadline_seconds) from None

    def _has_reached(self, ends: dict[TopicPartition, int]) -> bool:
        return all(self._reached.get(tp, 0) >= end for tp, end in ends.items())

    async def _read(self) -> None:
        while True:
            polled = await self._consumer.getmany(
                timeout_ms=_POLL_MILLISECONDS, max_records=_MAX_RECORDS
            )
            async with self._arrived:
                for tp, records in polled.items():
                    for record in records:
                        self._keep(record)
                    self._reached[tp] = records[-1].offset + 1
                self._arrived.notify_all()

    def _keep(self, record: "ConsumerRecord[bytes, bytes]") -> None:
        try:
            envelope = Envelope.from_headers(record.headers)
            model = TOPICS.model(envelope.event_type)
            if model is None or record.value is None:
                raise BadEnvelope("no event of ours")
            data = model.model_validate_json(record.value)
        except (BadEnvelope, ValidationError):
            self.unreadable += 1
            return
        self.records.append(Heard(envelope, data))
