"""A backlog for a hop, and how fast what follows from it appears."""

import asyncio
import time
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from shared_schemas.envelope import Envelope

from ..errors import PlatformError

_MOST_PER_SECOND = 16_000  # more than either side moves, so that the backlog lasts
_BURST = 2_000
_SILENT_SECONDS = 30.0
_POLL_MILLISECONDS = 100
TYPE = "order.placed.v1"


class HopStalled(PlatformError):
    """A hop that moves nothing."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"Nothing came to {topic} for {_SILENT_SECONDS:.0f} s.")


async def filled(kafka: str, topic: str, seconds: float) -> int:
    """Enough events for so many seconds, as our services would publish them."""
    total = int(seconds * _MOST_PER_SECOND)
    moment = datetime.now(UTC)
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.split(","), linger_ms=20, max_batch_size=1 << 17
    ) as producer:
        for start in range(0, total, _BURST):
            sent = []
            for number in range(start, min(start + _BURST, total)):
                key = f"order-{number:08}"
                envelope = Envelope(
                    event_id=f"{topic}-{number}",
                    event_type=TYPE,
                    source="web",
                    time=moment,
                    key=key,
                    correlation_id=f"{topic}-{number}",
                    traceparent=f"00-{number + 1:032x}-{number + 1:016x}-00",
                )
                body = f'{{"order_id":"{key}","note":"{"x" * 75}"}}'.encode()
                headers = envelope.to_headers()
                sent.append(await producer.send(topic, body, key=key.encode(), headers=headers))
            await asyncio.gather(*sent)
    return total


async def drained(kafka: str, topic: str, warm_up: float, seconds: float) -> float:
    """Events a second on the topic, from `warm_up` after the first. Raises HopStalled."""
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=kafka.split(","), group_id=None, auto_offset_reset="earliest"
    ) as consumer:
        start = end = heard = time.monotonic()
        began, counted, last = False, 0, 0.0
        while not began or heard < end:
            polled = await consumer.getmany(timeout_ms=_POLL_MILLISECONDS)
            now, count = time.monotonic(), sum(map(len, polled.values()))
            if count and not began:
                began, start, end = True, now + warm_up, now + warm_up + seconds
            if count and start <= now < end:
                counted, last = counted + count, now
            if count:
                heard = now
            elif now - heard > _SILENT_SECONDS or (began and now - heard > 3):
                break
            if began and now >= end:
                break
    if not counted:
        raise HopStalled(topic)
    return counted / (last - start)
