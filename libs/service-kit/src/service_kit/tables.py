"""Table topics: read whole by every instance, without a group, from the beginning at each start."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka.security import parse_security
from shared_schemas.event import EventData

from . import handling, metrics
from .consumer import delivery_of
from .crash import crash_point
from .events import Event
from .failures import isolated
from .intake import Delivery
from .problems import Transient
from .transaction import Transaction
from .waiting import backoff, first_of

if TYPE_CHECKING:
    from .runtime import AnyRuntime

log = structlog.stdlib.get_logger(__name__)

_POLL_MILLISECONDS = 200
_ASK_SECONDS = 5.0
Events = Sequence[Event[EventData]]


class TableReader:
    """One instance's reader of all its table topics. Sets the runtime's `tables_at_end`."""

    def __init__(self, runtime: "AnyRuntime") -> None:
        self._runtime = runtime
        self._prefix = runtime.settings.topic_prefix
        self._client: AIOKafkaConsumer | None = None
        self._done: dict[TopicPartition, int] = {}

    async def lag(self) -> dict[tuple[str, int], int]:
        """How many records each partition has that are not read yet. Raises Transient."""
        client = self._client
        if client is None:
            return {}
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                ends = await client.end_offsets(client.assignment())
                starts = await client.beginning_offsets(client.assignment())
        except (KafkaError, TimeoutError) as error:
            raise Transient("Kafka does not say where its table topics end") from error
        cut = len(self._prefix)
        return {
            (tp.topic[cut:], tp.partition): end - max(self._done.get(tp, 0), starts[tp])
            for tp, end in ends.items()
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop`. Raises what Kafka raises; the next run begins at the beginning."""
        settings = self._runtime.settings
        client = AIOKafkaConsumer(
            *(self._prefix + topic for topic in self._runtime.service.table_topics),
            bootstrap_servers=settings.kafka,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=100,
            **parse_security(settings.kafka_security()),
        )
        try:
            await client.start()
            self._client = client
            assigned = client.assignment()
            self._check_all_are_there({tp.topic for tp in assigned})
            ends = await client.end_offsets(assigned)
            starts = await client.beginning_offsets(assigned)
            self._done = dict(starts)
            while not stop.is_set():
                if all(self._done[tp] >= end for tp, end in ends.items()):
                    self._runtime.tables_at_end.set()
                await self._poll(client, stop)
        finally:
            self._client = None
            await client.stop()

    def _check_all_are_there(self, found: set[str]) -> None:
        """Raise Transient unless every topic is known: being at the end of some means nothing."""
        wanted = {self._prefix + topic for topic in self._runtime.service.table_topics}
        if missing := sorted(wanted - found):
            raise Transient(f"Kafka does not know these table topics yet: {', '.join(missing)}")

    async def _poll(self, client: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        polled = await client.getmany(
            timeout_ms=_POLL_MILLISECONDS, max_records=self._runtime.settings.batch_max_records
        )
        deliveries = [
            delivery_of(record, len(self._prefix))
            for records in polled.values()
            for record in records
        ]
        pauses = backoff(self._runtime.settings)
        while deliveries and not stop.is_set():
            try:
                await apply(self._runtime, deliveries)
                break
            except Exception as error:
                log.warning("table records wait", error=repr(error), records=len(deliveries))
            await first_of(stop, seconds=next(pauses))
        for tp in polled:
            self._done[tp] = await client.position(tp)


async def apply(runtime: "AnyRuntime", deliveries: Sequence[Delivery]) -> None:
    """Let the service hear table records. An unreadable or refused one is skipped and counted."""
    events = [event for delivery in deliveries if (event := _read(runtime, delivery)) is not None]
    if not events:
        return
    if runtime.service.remember is not None:
        await _remember(runtime, events)
        return

    async def work(inner: Transaction, some: Events) -> None:
        await runtime.service.hear_table(inner, some)
        await handling.complete(runtime, inner)

    async with runtime.transaction(step="table") as tx:
        for event, error in await isolated(tx, events, work):
            _skip(event.topic, event.id, repr(error))
    crash_point("after_table_commit")


async def _remember(runtime: "AnyRuntime", events: Events) -> None:
    remember = runtime.service.remember
    assert remember is not None
    for event in events:
        try:
            await remember([event])
        except Exception as error:
            _skip(event.topic, event.id, repr(error))


def _read(runtime: "AnyRuntime", delivery: Delivery) -> Event[EventData] | None:
    """The record's event; None for a tombstone, a type not asked for, or what is unreadable."""
    if delivery.body is None:
        return None
    item = runtime.table_reader.read(delivery)
    if item is not None and item.fault is not None:
        _skip(delivery.topic, item.id, f"{item.fault.reason}: {item.fault.detail}")
    return item.event if item is not None else None


def _skip(topic: str, event_id: str, error: str) -> None:
    metrics.table_records_skipped(topic).inc()
    log.error("table record skipped", topic=topic, event_id=event_id, error=error)
