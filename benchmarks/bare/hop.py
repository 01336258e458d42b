"""The bare hop: what a careful engineer writes by hand with aiokafka and asyncpg.

Consume up to 500 records; in one transaction: inbox, locked read, save, outbox; commit; publish
what was emitted, mark it published, commit the offsets. The writes are those of a service on the
kit; there is no tracing, parking, waiting, dispatch, validation or metric. A chain is several of
these in a row: `--emit-per 4` emits one event for every four that come in.

`python -m benchmarks.bare.hop --kafka … --database … --source A[,B] --target … [--emit-per N]`
"""

import argparse
import asyncio
import json
from dataclasses import dataclass
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

MAX_RECORDS = 500
POLL_MILLISECONDS = 20

SCHEMA = """
create table if not exists inbox (
    ce_source text, ce_id text, taken_at timestamptz default now(), primary key (ce_source, ce_id));
create table if not exists states (key text primary key, seen bigint not null, body bytea not null);
create table if not exists facts (id text primary key, key text not null, body bytea not null);
create table if not exists outbox (
    seq bigint generated always as identity primary key, key text, id text, body bytea,
    published_at timestamptz);
"""
INBOX = """
insert into inbox (ce_source, ce_id)
select distinct 'bare', id from unnest($1::text[]) as new (id)
on conflict do nothing returning ce_id
"""
LOCK = "select key, seen from states where key = any($1::text[]) order by key for update"
SAVE = """
insert into states (key, seen, body)
select key, seen, body from unnest($1::text[], $2::bigint[], $3::bytea[]) as new (key, seen, body)
on conflict (key) do update set seen = excluded.seen, body = excluded.body
"""
FACTS = """
insert into facts (id, key, body)
select id, key, body from unnest($1::text[], $2::text[], $3::bytea[]) as new (id, key, body)
on conflict do nothing
"""
EMIT = """
insert into outbox (key, id, body)
select key, id, body from unnest($1::text[], $2::text[], $3::bytea[]) as new (key, id, body)
returning seq
"""
PUBLISHED = "update outbox set published_at = now() where seq = any($1::bigint[])"


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop's connections and its names."""

    consumer: AIOKafkaConsumer
    producer: AIOKafkaProducer
    connection: Any
    target: str
    emit_per: int


@dataclass(frozen=True, slots=True)
class Fact:
    """One record as the hop sees it."""

    id: str
    key: str
    body: bytes


async def run(arguments: argparse.Namespace) -> None:
    """Start, then move batches until the process is ended."""
    connection = await asyncpg.connect(arguments.database)
    await connection.execute(SCHEMA)
    consumer = AIOKafkaConsumer(
        *arguments.source.split(","),
        bootstrap_servers=arguments.kafka,
        group_id=f"bare-{arguments.target}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=MAX_RECORDS,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=arguments.kafka, acks="all", enable_idempotence=True, linger_ms=2
    )
    await consumer.start()
    await producer.start()
    hop = Hop(consumer, producer, connection, arguments.target, arguments.emit_per)
    while True:
        batches = await consumer.getmany(timeout_ms=POLL_MILLISECONDS, max_records=MAX_RECORDS)
        if batches:
            await move(hop, [record for records in batches.values() for record in records])
            await consumer.commit(
                {TopicPartition(p.topic, p.partition): r[-1].offset + 1 for p, r in batches.items()}
            )


async def move(hop: Hop, records: list[Any]) -> None:
    """One batch: commit its effect, then publish what followed from it."""
    facts = [
        Fact(dict(record.headers)["ce_id"].decode(), record.key.decode(), record.value)
        for record in records
    ]
    async with hop.connection.transaction():
        fetched = await hop.connection.fetch(INBOX, [fact.id for fact in facts])
        new = {row["ce_id"] for row in fetched}
        emitted, seqs = await apply(hop, [fact for fact in facts if fact.id in new])
    sends = [
        await hop.producer.send(
            hop.target,
            fact.body,
            key=fact.key.encode(),
            headers=[("ce_id", f"{fact.id}+".encode()), ("ce_type", b"bare.v1")],
        )
        for fact in emitted
    ]
    if sends:
        await asyncio.gather(*sends)
        await hop.connection.execute(PUBLISHED, seqs)


async def apply(hop: Hop, facts: list[Fact]) -> tuple[list[Fact], list[int]]:
    """Lock, decide, save, emit: four statements, whatever the batch's size."""
    rows = await hop.connection.fetch(LOCK, sorted({fact.key for fact in facts}))
    seen = {row["key"]: row["seen"] for row in rows}
    newest: dict[str, bytes] = {}
    emitted = []
    for fact in facts:
        json.loads(fact.body)
        seen[fact.key] = seen.get(fact.key, 0) + 1
        newest[fact.key] = fact.body
        if seen[fact.key] % hop.emit_per == 0:
            emitted.append(fact)
    keys = sorted(newest)
    await hop.connection.execute(
        SAVE, keys, [seen[key] for key in keys], [newest[key] for key in keys]
    )
    await hop.connection.execute(FACTS, *_columns(facts))
    outbox = await hop.connection.fetch(
        EMIT, [f.key for f in emitted], [f.id for f in emitted], [f.body for f in emitted]
    )
    return emitted, [row["seq"] for row in outbox]


def _columns(facts: list[Fact]) -> tuple[list[str], list[str], list[bytes]]:
    return [f.id for f in facts], [f.key for f in facts], [f.body for f in facts]


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("kafka", "database", "source", "target"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--emit-per", type=int, default=1)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
