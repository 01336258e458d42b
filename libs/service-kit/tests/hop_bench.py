"""One hop through the kit against a bare aiokafka + asyncpg loop that does the same writes.

`python hop_bench.py KAFKA POSTGRES [events] [rounds]`: alternates both, prints rates and ratios.
Same work in both: read a batch of at most 500, note the inbox, read state, save state, write the
outbox, commit, commit offsets; and beside it publish the outbox and mark what was acknowledged.
No event is sampled.
"""

import asyncio
import gc
import json
import logging
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

sys.path.insert(0, str(Path(__file__).parent))

from kit_stack import Stack, delete_topics, make_topics
from service_kit.consumer import Consumer
from service_kit.events import derived_id
from service_kit.producer import Producer, Record
from service_kit.relay import Relay
from service_kit.testing import migrations_of
from shared_schemas.envelope import Envelope
from shop import TOPICS, OrderPlaced, OrderTaken, shop

BATCH = 500
PARTITIONS = 6
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"

Hop = Callable[[Stack, int], Awaitable[float]]


async def fill(stack: Stack, count: int) -> None:
    """Publish the events of one round."""
    producer = Producer(stack.settings())
    moment = datetime.now(UTC)
    for first in range(0, count, BATCH):
        records = []
        for number in range(first, min(first + BATCH, count)):
            data = OrderPlaced(order_id=f"order-{number:08}")
            envelope = Envelope(
                event_id=str(uuid4()),
                event_type=data.TYPE,
                source="web",
                time=moment,
                traceparent=UNSAMPLED,
            )
            key = data.order_id.encode()
            records.append(Record("web.orders", key, envelope.to_headers(), data.to_json()))
        await producer.send_all(records, deadline_seconds=30)
    await producer.stop()


async def through_the_kit(stack: Stack, count: int) -> float:
    """Consumer and relay of the kit, until everything is published."""
    runtime = await stack.runtime()
    stop = asyncio.Event()
    tasks = [
        asyncio.create_task(part.run(stop))
        for part in (Consumer(runtime, ordinal=0), Relay(runtime))
    ]
    rate = await until_published(stack.url, "kit.outbox", count)
    stop.set()
    await asyncio.gather(*tasks)
    await runtime.producer.stop()
    await runtime.close_pool()
    return rate


async def bare(stack: Stack, count: int) -> float:
    """The same with nothing in between."""
    pool = await asyncpg.create_pool(stack.url, min_size=1, max_size=4)
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.kafka, acks="all", enable_idempotence=True, max_batch_size=131072
    )
    await producer.start()
    stop, woken = asyncio.Event(), asyncio.Event()
    tasks = [
        asyncio.create_task(bare_consumer(stack, pool, stop, woken)),
        asyncio.create_task(bare_relay(stack, pool, producer, stop, woken)),
    ]
    rate = await until_published(stack.url, "bare_outbox", count)
    stop.set()
    woken.set()
    await asyncio.gather(*tasks)
    await producer.stop()
    await pool.close()
    return rate


async def bare_consumer(stack: Stack, pool, stop: asyncio.Event, woken: asyncio.Event) -> None:
    consumer = AIOKafkaConsumer(
        stack.prefix + "web.orders",
        bootstrap_servers=stack.kafka,
        group_id=stack.prefix + "bare",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    while not stop.is_set():
        polled = await consumer.getmany(timeout_ms=20, max_records=BATCH)
        records = [record for part in polled.values() for record in part]
        if records:
            await bare_batch(pool, records)
            woken.set()
            await consumer.commit(
                {TopicPartition(r.topic, r.partition): r.offset + 1 for r in records}
            )
    await consumer.stop()


async def bare_batch(pool, records) -> None:
    events = [(dict(record.headers), json.loads(record.value)) for record in records]
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            "INSERT INTO bare_inbox SELECT * FROM unnest($1::text[], $2::text[])"
            " ON CONFLICT DO NOTHING RETURNING ce_id",
            [headers["ce_source"].decode() for headers, _ in events],
            [headers["ce_id"].decode() for headers, _ in events],
        )
        new = {row["ce_id"] for row in rows}
        taken = [(h["ce_id"].decode(), body) for h, body in events if h["ce_id"].decode() in new]
        await connection.fetch(
            "SELECT product FROM products WHERE product = ANY($1::text[])", ["tea"]
        )
        await connection.execute(
            "INSERT INTO orders (order_id, event_id, step, times)"
            " SELECT o, e, 0, 1 FROM unnest($1::text[], $2::text[]) AS u (o, e)"
            " ON CONFLICT (order_id, event_id) DO UPDATE SET times = orders.times + 1",
            [body["order_id"] for _, body in taken],
            [event_id for event_id, _ in taken],
        )
        out = [
            (body["order_id"], *cloud_event(event_id, body["order_id"])) for event_id, body in taken
        ]
        await connection.execute(
            "INSERT INTO bare_outbox (key, headers, body)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::text[])",
            *([row[column] for row in out] for column in range(3)),
        )


def cloud_event(cause_id: str, order_id: str) -> tuple[str, str]:
    """The same headers and body that the kit writes."""
    event_id = derived_id("web", cause_id, OrderTaken.TYPE, "0")
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_type": OrderTaken.TYPE,
        "ce_source": "shop",
        "ce_time": datetime.now(UTC).isoformat(),
        "ce_dataschema": f"/schemas/{OrderTaken.TYPE}.json",
        "content-type": "application/json",
        "ce_partitionkey": order_id,
        "ce_correlationid": cause_id,
        "ce_causationid": cause_id,
        "traceparent": UNSAMPLED,
    }
    return json.dumps(headers), json.dumps({"order_id": order_id, "step": 0})


async def bare_relay(stack: Stack, pool, producer, stop, woken) -> None:
    seen = 0
    while not stop.is_set():
        async with pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(
                "SELECT seq, key, headers, body FROM bare_outbox"
                " WHERE seq > $1 AND published_at IS NULL ORDER BY seq LIMIT 1000",
                seen,
            )
            if rows:
                sends = [
                    await producer.send(
                        stack.prefix + "shop.orders",
                        value=row["body"].encode(),
                        key=row["key"].encode(),
                        headers=[(k, v.encode()) for k, v in json.loads(row["headers"]).items()],
                    )
                    for row in rows
                ]
                await asyncio.wait(sends)
                await connection.execute(
                    "UPDATE bare_outbox SET published_at = now() WHERE seq = ANY($1::bigint[])",
                    [row["seq"] for row in rows],
                )
        if rows:
            seen = rows[-1]["seq"]
        else:
            woken.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), 0.05)


async def until_published(url: str, table: str, count: int) -> float:
    """Wait until so many rows are published; returns their rate, first to last."""
    connection = await asyncpg.connect(url)
    async with asyncio.timeout(120):
        # Counting disturbs what is measured, so it is rare.
        while await connection.fetchval(f"SELECT count(published_at) FROM {table}") < count:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
    rate = await connection.fetchval(
        f"""
        WITH edges AS (SELECT min(published_at) AS first, max(published_at) AS last FROM {table})
        SELECT count(*) / extract(epoch FROM max(last) - max(first))::float
          FROM {table}, edges WHERE published_at > first
        """
    )
    await connection.close()
    return float(rate)


async def measured(kafka: str, postgres: str, hop: Hop, count: int) -> tuple[float, float]:
    """One round on a database and topics of its own: events/s, µs of our CPU per event."""
    name = f"hop_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(f"{postgres}/postgres")
    await admin.execute(f'CREATE DATABASE "{name}"')
    stack = Stack(kafka, f"{name}.", f"{postgres}/{name}")
    await make_topics(stack, *((topic.name, PARTITIONS) for topic in TOPICS))
    await migrations_of(shop())(stack.url)
    connection = await asyncpg.connect(stack.url)
    await connection.execute(
        "CREATE TABLE bare_inbox (ce_source text, ce_id text, PRIMARY KEY (ce_source, ce_id));"
        "CREATE TABLE bare_outbox (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " key text, headers text, body text, published_at timestamptz)"
    )
    await connection.close()
    await fill(stack, count)
    began = time.process_time()
    rate = await hop(stack, count)
    cpu = (time.process_time() - began) / count * 1e6
    await delete_topics(stack)
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()
    return rate, cpu


async def main() -> None:
    kafka, postgres = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 20_000
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    ratios = []
    for _ in range(rounds):
        plain, plain_cpu = await measured(kafka, postgres, bare, count)
        kit, kit_cpu = await measured(kafka, postgres, through_the_kit, count)
        ratios.append(kit / plain)
        sys.stdout.write(
            f"bare {plain:6.0f}/s {plain_cpu:4.0f} µs   kit {kit:6.0f}/s {kit_cpu:4.0f} µs"
            f"   ratio {kit / plain:.2f}, by CPU {plain_cpu / kit_cpu:.2f}\n"
        )
        sys.stdout.flush()
    sys.stdout.write(f"median ratio {statistics.median(ratios):.2f}\n")


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    gc.set_threshold(50_000)  # as `service_kit.main` does; for both
    uvloop.run(main())
