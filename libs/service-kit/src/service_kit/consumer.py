"""The consumer group: one FastStream batch subscriber over all topics that the service hears.

FastStream's own parser and decoder lose a batch on one bad header, its acknowledgement commits
whatever was fetched, and an error in a handler is passed over; so records come through as they
are, offsets are committed one by one, and the handler never raises. A batch that cannot be taken
up now waits in place until it can, the process stops, or its partitions go elsewhere.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from . import batch, metrics
from .crash import crash_point
from .failures import TooManyDeadLetters
from .intake import Delivery
from .problems import Transient
from .waiting import backoff, first_of

if TYPE_CHECKING:
    from .runtime import AnyRuntime

log = structlog.stdlib.get_logger(__name__)

Records = tuple["ConsumerRecord[bytes, bytes]", ...]
_ASK_SECONDS = 5.0
_LAST_MILLISECOND = 253_402_300_799_000  # the last second of the year 9999
_HEARTBEAT_MILLISECONDS = 1_000


class Fatal(Exception):
    """This process must end; a new one may do better."""


class Consumer:
    """One member of the service's group: ordinal `n` of it, statically."""

    def __init__(self, runtime: "AnyRuntime", *, ordinal: int) -> None:
        self._runtime = runtime
        self._settings = runtime.settings
        self._group = self._settings.topic_prefix + runtime.service.name
        self._member = f"{self._group}-{ordinal}"
        self._busy = asyncio.Lock()  # held while a batch is in hand
        self._stop = asyncio.Event()
        self._revoking = asyncio.Event()
        self._ended = asyncio.Event()
        self._done: dict[TopicPartition, int] = {}  # next offset, by partition
        self._joined = False
        self._refused = 0
        self._subscriber: BatchSubscriber | None = None
        self.halted: str | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`. Raises what starting raises, Fatal if commits are refused."""
        self._stop, self._ended = stop, asyncio.Event()
        broker = self._broker()
        try:
            await broker.start()
            await first_of(stop, self._ended)
        finally:
            self._revoking.set()
            await broker.stop()
            self._subscriber, self._joined = None, False
            self._revoking.clear()
        if self._ended.is_set():
            raise Fatal(f"{self._refused} offset commits in a row were refused")

    @property
    def has_joined(self) -> bool:
        """Whether the group has told this instance its partitions, which may be none."""
        return self._joined

    @property
    def has_in_hand(self) -> bool:
        """Whether a batch is being taken up, or waits to be."""
        return self._busy.locked()

    @property
    def is_rebalancing(self) -> bool:
        """Whether partitions are about to go elsewhere."""
        return self._revoking.is_set()

    @property
    def assigned(self) -> list[TopicPartition]:
        """The partitions that this instance reads."""
        client = self._client
        return sorted(client.assignment()) if client is not None else []

    def partitions(self) -> set[tuple[str, int]] | None:
        """All partitions of all topics heard, whoever reads them; None while not known."""
        client = self._client
        if client is None:
            return None
        found: set[tuple[str, int]] = set()
        for topic in self._runtime.service.group_topics:
            numbers = client.partitions_for_topic(self._settings.topic_prefix + topic)
            if not numbers:
                return None
            found |= {(topic, number) for number in numbers}
        return found

    async def lag(self) -> dict[tuple[str, int], int]:
        """How many records each assigned partition is behind its end. Raises Transient."""
        client, assigned = self._client, self.assigned
        if client is None or not assigned:
            return {}
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                ends = await client.end_offsets(assigned)
                starts = await client.beginning_offsets(assigned)
                done = {tp: await self._next_offset(client, tp) for tp in assigned}
        except (KafkaError, TimeoutError) as error:
            raise Transient("Kafka does not say where its partitions end") from error
        cut = len(self._settings.topic_prefix)
        return {
            (tp.topic[cut:], tp.partition): max(0, ends[tp] - max(done[tp], starts[tp]))
            for tp in assigned
        }

    async def at_end(self) -> Mapping[tuple[str, int], datetime]:
        """The assigned partitions that are consumed to their end, and when that was so."""
        now = self._runtime.now()
        return {place: now for place, lag in (await self.lag()).items() if lag == 0}

    async def _next_offset(self, client: AIOKafkaConsumer, tp: TopicPartition) -> int:
        return self._done.get(tp) or await client.committed(tp) or 0

    @property
    def _client(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer if self._subscriber is not None else None

    def _broker(self) -> KafkaBroker:
        settings = self._settings
        broker = KafkaBroker(
            settings.kafka.split(","),
            client_id=self._member,
            consumer_only=True,
            apply_types=False,
            allow_auto_create_topics=False,
            graceful_timeout=settings.stop_seconds,
            security=settings.kafka_security(),
            logger=logging.getLogger("faststream"),
            log_level=logging.DEBUG,
        )
        subscriber = broker.subscriber(
            *(settings.topic_prefix + topic for topic in self._runtime.service.group_topics),
            group_id=self._group,
            group_instance_id=self._member,
            batch=True,
            max_records=settings.batch_max_records,
            batch_timeout_ms=settings.batch_poll_milliseconds,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            session_timeout_ms=int(settings.group_session_seconds * 1000),
            heartbeat_interval_ms=_HEARTBEAT_MILLISECONDS,
            rebalance_timeout_ms=int(settings.group_rebalance_seconds * 1000),
            fetch_max_wait_ms=100,
            listener=_Barrier(self),
            parser=_as_they_are,
            decoder=_raw,
        )
        subscriber(self._take)
        self._subscriber = subscriber
        return broker

    async def _take(self, records: Records) -> None:
        """FastStream's handler: never raises, returns when the next batch may be fetched."""
        next_at = time.monotonic() + self._settings.batch_interval_milliseconds / 1000
        await self._take_up(records)
        if (pause := next_at - time.monotonic()) > 0:
            await first_of(self._stop, self._revoking, seconds=pause)

    async def _take_up(self, records: Records) -> None:
        """A batch, until it is committed or given up."""
        async with self._busy:
            prefix = len(self._settings.topic_prefix)
            if await self._apply([delivery_of(record, prefix) for record in records]):
                crash_point("after_commit_before_offsets")
                await self._commit(records)
                crash_point("after_offsets")

    async def _apply(self, deliveries: Sequence[Delivery]) -> bool:
        """Take the batch up, however long the surroundings fail. False when it was given up."""
        pauses = backoff(self._settings)
        while not (self._stop.is_set() or self._revoking.is_set()):
            if self.halted is None:
                try:
                    with metrics.batch_seconds.time():
                        await batch.process(self._runtime, deliveries)
                except TooManyDeadLetters as error:
                    self.halted = str(error)
                    log.critical("consuming stopped: too much is parked", detail=self.halted)
                except Exception as error:
                    log.warning("a batch waits", error=repr(error), records=len(deliveries))
                else:
                    return True
            await first_of(self._stop, self._revoking, seconds=next(pauses))
        return False

    async def _commit(self, records: Records) -> None:
        """Commit exactly what was taken up. A refusal costs a redelivery, three end the process."""
        last = {(r.topic, r.partition): r.offset for r in records}
        offsets = {TopicPartition(*place): offset + 1 for place, offset in last.items()}
        self._done.update(offsets)
        client = self._client
        if client is None:
            return
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                await client.commit(offsets)
        except TimeoutError:
            log.warning("offsets not acknowledged; the next commit covers them")
        except (KafkaError, IllegalStateError) as error:
            self._refused += 1
            metrics.offset_commits_failed.inc()
            log.warning("offsets refused", error=repr(error), in_a_row=self._refused)
            if self._refused >= self._settings.commit_failures_limit:
                self._ended.set()
        else:
            self._refused = 0

    async def revoked(self) -> None:
        """Let the batch in hand commit, or give up if it only waits, before partitions go."""
        self._revoking.set()
        async with self._busy:
            self._done.clear()

    def reassigned(self) -> None:
        """Partitions are ours: batches may be taken up again."""
        self._joined = True
        self._revoking.clear()


def delivery_of(record: "ConsumerRecord[bytes, bytes]", prefix_length: int) -> Delivery:
    """A record as the kit knows it."""
    return Delivery(
        topic=record.topic[prefix_length:],
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        headers=record.headers,
        body=record.value,
        timestamp=datetime.fromtimestamp(_sane(record.timestamp) / 1000, UTC),
    )


def _sane(milliseconds: int) -> int:
    """A record's timestamp inside of what a datetime can be; a producer may write any number."""
    return min(max(milliseconds, 0), _LAST_MILLISECOND)


class _Barrier(ConsumerRebalanceListener):  # type: ignore[misc]
    """No partition leaves while its batch is in hand; a batch that only waits is given up."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._consumer.revoked()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._consumer.reassigned()


async def _as_they_are(records: Any) -> KafkaAckableMessage:
    return KafkaAckableMessage(
        raw_message=records, body=b"", headers={}, message_id="batch", consumer=None
    )


async def _raw(message: Any) -> Any:
    return message.raw_message
