"""A plain consumer of the topic on which results arrive: when each came, and how many."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from .orders import Order

_POLL_MILLISECONDS = 50
_LOOK_SECONDS = 0.02


class _Named(msgspec.Struct):
    conversion_id: str


_decode = msgspec.json.Decoder(_Named).decode


@dataclass(slots=True)
class Arrivals:
    """Results so far; with `by_name` also each one's moment."""

    type: bytes
    match: str
    by_name: bool
    count: int = 0
    times: list[float] = field(default_factory=list)  # one a result
    moments: dict[str, float] = field(default_factory=dict)

    def take(self, record: "ConsumerRecord[bytes, bytes]", now: float) -> None:
        """One record of the topic."""
        if not any(name == "ce_type" and value == self.type for name, value in record.headers):
            return
        self.count += 1
        self.times.append(now)
        if self.by_name:
            body, key = record.value or b"", record.key or b""
            name = _decode(body).conversion_id if self.match == "conversion" else key.decode()
            self.moments.setdefault(name, now)

    def between(self, start: float, end: float) -> int:
        """How many came in that time."""
        return sum(start <= moment < end for moment in self.times)

    async def until(self, count: int, deadline_seconds: float) -> float | None:
        """Seconds until so many had come; None if they did not come in time."""
        began = time.monotonic()
        while self.count < count:
            if time.monotonic() > began + deadline_seconds:
                return None
            await asyncio.sleep(_LOOK_SECONDS)
        return time.monotonic() - began


@asynccontextmanager
async def watching(order: Order, *, by_name: bool) -> AsyncIterator[Arrivals]:
    """Count what arrives from now on."""
    arrivals = Arrivals(order.outcome_type.encode(), order.match, by_name)
    consumer = AIOKafkaConsumer(
        order.outcome,
        bootstrap_servers=order.kafka.split(","),
        group_id=None,
        auto_offset_reset="latest",
        fetch_max_wait_ms=100,
    )
    async with consumer:
        await consumer.seek_to_end()
        for place in consumer.assignment():
            await consumer.position(place)
        task = asyncio.create_task(_consume(consumer, arrivals))
        try:
            yield arrivals
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _consume(consumer: AIOKafkaConsumer, arrivals: Arrivals) -> None:
    while True:
        polled = await consumer.getmany(timeout_ms=_POLL_MILLISECONDS)
        now = time.monotonic()
        for records in polled.values():
            for record in records:
                arrivals.take(record, now)
