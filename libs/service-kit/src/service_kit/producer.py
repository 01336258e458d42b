"""Publishing to Kafka: idempotent, acknowledged by all replicas, each wait with a deadline.

While the broker is away a send hangs and then succeeds. It is left alone: its caller gives up
waiting, not the send. Only an error that aiokafka does not heal makes a new client.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from random import choice
from typing import Any, NamedTuple
from zlib import crc32

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faststream.kafka.security import parse_security

from .intake import RawHeaders
from .problems import Transient
from .settings import KitSettings

log = structlog.stdlib.get_logger(__name__)

_LINGER_MILLISECONDS = 0  # sends of one burst share a batch anyway: the loop runs in between
_BATCH_BYTES = 128 * 1024
_STOP_SECONDS = 5.0
_UNKNOWN_TOPIC_SECONDS = 2.0
_MISSING_TOPIC_SECONDS = 10.0


class Unacknowledged(Transient):
    """Kafka has not acknowledged in time. The record may still arrive."""


class Unpublishable(Exception):
    """Kafka refuses this record, now and later."""


class Record(NamedTuple):
    """One record to send; `topic` is without the deployment's prefix."""

    topic: str
    key: bytes | None
    headers: RawHeaders
    body: bytes | None


class Producer:
    """This process' one connection for publishing."""

    def __init__(self, settings: KitSettings) -> None:
        self._settings = settings
        self._prefix = settings.topic_prefix
        self._client: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._broken = False
        self._missing: dict[str, float] = {}  # topic to when to ask for it again

    async def start(self) -> None:
        """Connect, if not connected. Raises KafkaError while no broker answers."""
        async with self._starting:
            if self._client is not None and not self._broken and _is_working(self._client):
                return
            await self._discard()
            client = _client(self._settings)
            try:
                await client.start()
            except BaseException:
                await _stop(client)
                raise
            self._client, self._broken = client, False

    async def stop(self) -> None:
        """Send what is buffered, for a few seconds at most, and disconnect."""
        await self._discard()

    async def publish(
        self,
        topic: str,
        *,
        key: str | None,
        headers: RawHeaders,
        body: bytes,
        deadline_seconds: float,
    ) -> None:
        """Send one record and wait for its acknowledgement.

        Raises Unacknowledged after the deadline; the send goes on. Raises Unpublishable.
        """
        encoded = None if key is None else key.encode()
        sends = await self.send_all(
            [Record(topic, encoded, headers, body)], deadline_seconds=deadline_seconds
        )
        if sends[0] is not None:
            raise sends[0]

    async def send_all(
        self, records: Sequence[Record], *, deadline_seconds: float
    ) -> list[Exception | None]:
        """Send records, in order per key, and wait for all. Returns each one's error or None.

        Raises Unacknowledged if not all are answered by the deadline.
        """
        if self._is_ready(records):
            return await self._send_at_once(records, deadline_seconds)
        sending = asyncio.ensure_future(self._send_all(records))
        done, _ = await asyncio.wait([sending], timeout=deadline_seconds)
        if not done:
            sending.add_done_callback(_look_at)
            raise Unacknowledged("Kafka has not acknowledged in time")
        return sending.result()

    def _is_ready(self, records: Sequence[Record]) -> bool:
        """Whether nothing has to be connected or asked for first, which is nearly always so."""
        client = self._client
        if client is None or self._broken or not _is_working(client):
            return False
        known = client.client.cluster.partitions_for_topic
        return all(known(self._prefix + topic) for topic in {record.topic for record in records})

    async def _send_at_once(
        self, records: Sequence[Record], deadline_seconds: float
    ) -> list[Exception | None]:
        """Without a task of its own, which is a tenth of what a single record costs."""
        until = time.monotonic() + deadline_seconds
        handed: list[asyncio.Future[Any] | Exception] = []
        late: set[asyncio.Future[Any]] = set()
        try:
            async with asyncio.timeout(deadline_seconds):
                for record in records:
                    handed.append(await self._send(record, is_known=True))  # noqa: PERF401
        except TimeoutError:
            late = {ack for ack in handed if isinstance(ack, asyncio.Future)}
        else:
            pending = [ack for ack in handed if isinstance(ack, asyncio.Future) and not ack.done()]
            if pending:
                left = max(0.0, until - time.monotonic())
                _, late = await asyncio.wait(pending, timeout=left)
        if late or len(handed) < len(records):
            for acknowledgement in late:
                acknowledgement.add_done_callback(self._look_at_late)
            raise Unacknowledged("Kafka has not acknowledged in time")
        return [self._answer(acknowledgement) for acknowledgement in handed]

    def _look_at_late(self, acknowledgement: "asyncio.Future[Any]") -> None:
        """Take note of what became of a record that nobody waits for any more."""
        if not acknowledgement.cancelled() and (error := self._answer(acknowledgement)) is not None:
            log.warning("a late send failed", error=repr(error))

    async def _send_all(self, records: Sequence[Record]) -> list[Exception | None]:
        await self.start()
        topics = {record.topic for record in records}
        known = {topic for topic in topics if await self._is_known(topic)}
        acknowledgements = [
            await self._send(record, is_known=record.topic in known) for record in records
        ]
        pending = [ack for ack in acknowledgements if isinstance(ack, asyncio.Future)]
        if pending:
            await asyncio.wait(pending)
        return [self._answer(ack) for ack in acknowledgements]

    async def _send(self, record: Record, *, is_known: bool) -> "asyncio.Future[Any] | Exception":
        client = self._client
        if client is None or not is_known:
            return Unacknowledged(f"Kafka does not know the topic {record.topic}")
        try:
            acknowledgement: asyncio.Future[Any] = await client.send(
                self._prefix + record.topic, record.body, record.key, headers=record.headers
            )
        except MessageSizeTooLargeError as error:
            return Unpublishable(str(error))
        return acknowledgement

    async def _is_known(self, unprefixed: str) -> bool:
        """Whether the topic exists. `send` would wait for it, and let all others wait behind."""
        client, topic = self._client, self._prefix + unprefixed
        if client is None:
            return False
        if client.client.cluster.partitions_for_topic(topic) is not None:
            return True
        if time.monotonic() < self._missing.get(topic, 0):
            return False
        try:
            await asyncio.wait_for(client.partitions_for(topic), _UNKNOWN_TOPIC_SECONDS)
        except (TimeoutError, KafkaError):
            self._missing[topic] = time.monotonic() + _MISSING_TOPIC_SECONDS
            return False
        return True

    def _answer(self, acknowledgement: "asyncio.Future[Any] | Exception") -> Exception | None:
        """An error instead of an acknowledgement leaves a gap that this client cannot close."""
        if isinstance(acknowledgement, Exception):
            return acknowledgement
        error = acknowledgement.exception()
        if error is None:
            return None
        self._broken = True
        log.error("the producer is made anew", error=repr(error))
        return Unacknowledged(repr(error))

    async def _discard(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await _stop(client)


def _client(settings: KitSettings) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka,
        acks="all",
        enable_idempotence=True,
        linger_ms=_LINGER_MILLISECONDS,
        max_batch_size=_BATCH_BYTES,
        request_timeout_ms=30_000,
        retry_backoff_ms=100,
        partitioner=_partition,
        **parse_security(settings.kafka_security()),
    )


def _partition(key: bytes | None, partitions: Sequence[int], _available: Sequence[int]) -> int:
    """Where librdkafka's clients (kcat, for one) put the key too; aiokafka's murmur is Python."""
    if key is None:
        return choice(partitions)  # noqa: S311 - no secret
    return partitions[crc32(key) % len(partitions)]


def _is_working(client: AIOKafkaProducer) -> bool:
    task = client._sender.sender_task
    return task is not None and not task.done()


async def _stop(client: AIOKafkaProducer) -> None:
    """Stop a client that may have nobody to send to: then its flush would never end."""
    try:
        await asyncio.wait_for(client.stop(), _STOP_SECONDS)
    except (TimeoutError, KafkaError):
        await _abandon(client)


async def _abandon(client: AIOKafkaProducer) -> None:
    task = client._sender.sender_task
    if task is not None:
        task.cancel()
    with suppress(TimeoutError, KafkaError):
        await asyncio.wait_for(client.client.close(), _STOP_SECONDS)


def _look_at(sending: "asyncio.Future[Any]") -> None:
    """Take note of what became of a send that nobody waits for any more."""
    if not sending.cancelled() and (error := sending.exception()) is not None:
        log.warning("a late send failed", error=repr(error))
