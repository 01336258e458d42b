"""How fast the spool takes events and gives them to a real Kafka.

`python services/tracking/tests/spool_bench.py KAFKA [EVENTS]`: events a second, three runs each.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).parents[3]))

from service_kit.producer import Producer, Record
from tracking.store.drain import drain
from tracking.store.journal import Journal
from tracking.store.records import Posting, record_of
from tracking.store.spool import Spool

from services.tracking.tests.builders import NOW, decide, order, settings
from services.tracking.tests.processes import create_topics, delete_topics

RUNS, TOGETHER, PARTITIONS = 3, 100, 8


def orders(events: int) -> list[Record]:
    """Conversions as the door makes them of Segment's calls."""
    found = []
    for number in range(events):
        outcome = decide(order(messageId=f"m-{number}", properties=_sale(number)))
        assert outcome.event is not None
        assert outcome.event_id is not None
        posting = Posting(
            event_id=outcome.event_id,
            source="shop/secret",
            received_at=NOW + timedelta(milliseconds=number),
            body_hash=f"{number:064}",
            traceparent=f"00-{number:032x}-{number:016x}-01",
        )
        found.append(record_of(outcome.event, posting))
    return found


def _sale(number: int) -> dict[str, object]:
    return {"order_id": f"order-{number}", "total": "49.90", "currency": "EUR"}


async def main(kafka: str, events: int) -> None:
    """Print the medians."""
    prefix = f"bench{time.time_ns()}."
    await create_topics(kafka, prefix, PARTITIONS)
    records = orders(events)
    producer = Producer(settings(kafka=kafka, topic_prefix=prefix))
    assert await producer.send_all(records[:1], deadline_seconds=20) == [None]
    taken, given, size = [], [], 0
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            spool = Spool(max_bytes=1 << 32, write_seconds=10)
            await spool.open(Path(folder))
            taken.append(events / await _timed(_fill(spool, records)))
            size = spool.standing.bytes
            given.append(events / await _timed(_empty(spool, producer)))
            await spool.close()
    await producer.stop()
    await delete_topics(kafka, prefix)
    sys.stdout.write(f"{events} events, {size / events:.0f} bytes each, {TOGETHER} together\n")
    sys.stdout.write(f"spooled: {statistics.median(taken):,.0f}/s   all runs: {_all(taken)}\n")
    sys.stdout.write(f"drained: {statistics.median(given):,.0f}/s   all runs: {_all(given)}\n")


async def _timed(work: Awaitable[None]) -> float:
    begun = time.perf_counter()
    await work
    return time.perf_counter() - begun


async def _fill(spool: Spool, records: list[Record]) -> None:
    for first in range(0, len(records), TOGETHER):
        assert await spool.append(records[first : first + TOGETHER]) is None


async def _empty(spool: Spool, producer: Producer) -> None:
    journal = Journal(producer, spool, acknowledge_seconds=2, most_touches=1)
    stop = asyncio.Event()
    draining = asyncio.create_task(drain(journal, producer, stop))
    while spool.holds:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    stop.set()
    await draining


def _all(figures: list[float]) -> str:
    return ", ".join(f"{figure:,.0f}" for figure in figures)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000))
