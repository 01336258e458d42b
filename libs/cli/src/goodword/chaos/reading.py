"""Reads a run back: every record of every topic, the mails, the tables. Never our APIs."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from service_kit.events import derived_id
from shared_schemas.topics import TOPICS

from ..platform import Running
from ..platform.catalogue import SERVICES
from ..platform.databases import database_name
from .history import Call, Entry, Record, Tables

_POLL_MILLISECONDS = 500
_POLL_RECORDS = 5_000
_ASKED = "programs"  # what it does people ask for: there is no event behind it
_WITH_DATABASE = tuple(name for name, row in SERVICES.items() if row.database)


async def read_records(platform: Running) -> list[Record]:
    """Every record that the topics of the table have, from the start to the end as it is now."""
    prefix = platform.topic_prefix
    kafka = platform.infrastructure.kafka_bootstrap.split(",")
    found: list[Record] = []
    async with AIOKafkaConsumer(bootstrap_servers=kafka, group_id=None) as consumer:
        places = [
            TopicPartition(prefix + topic.name, number)
            for topic in TOPICS
            for number in range(topic.partitions)
        ]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        left = {place for place in places if ends[place]}
        await consumer.seek_to_beginning(*places)
        while left:
            polled = await consumer.getmany(
                *left, timeout_ms=_POLL_MILLISECONDS, max_records=_POLL_RECORDS
            )
            found += [record_of(r, prefix) for records in polled.values() for r in records]
            left = {place for place in left if await consumer.position(place) < ends[place]}
    return found


def record_of(record: "ConsumerRecord[bytes, bytes]", prefix: str) -> Record:
    """A raw record as the checker sees it; whatever cannot be read is empty."""
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
    return Record(
        topic=record.topic.removeprefix(prefix),
        partition=record.partition,
        offset=record.offset,
        type=headers.get("ce_type", ""),
        source=headers.get("ce_source", ""),
        id=headers.get("ce_id", ""),
        causation=headers.get("ce_causationid"),
        body=_document(record.value),
        digest=headers.get("ce_bodyhash") or sha256(record.value or b"").hexdigest(),
    )


def _document(value: bytes | None) -> dict[str, Any] | None:
    try:
        document = json.loads(value or b"")
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def read_mails(folder: Path) -> list[Call]:
    """Every mail in the sink, by the delivery that its Message-ID names."""
    found = []
    for file in sorted(folder.glob("*.eml")):
        message = message_from_bytes(file.read_bytes())
        delivery, _, _ = message["Message-ID"].strip("<> ").partition("@")
        found.append(Call(id=delivery, at=file.stat().st_mtime, said=str(message["To"])))
    return found


async def read_tables(platform: Running) -> Tables:
    """Touches, credits, rewards and the ledger, as rows; and what no relay has published."""
    async with _database(platform, "attribution") as attribution:
        touches = await attribution.fetch("SELECT sighting_id FROM sightings WHERE form <> 'token'")
        decided = await attribution.fetch(
            "SELECT conversion_id, revision FROM conversions WHERE revision > 0"
        )
    async with _database(platform, "rewards") as books:
        rewards = await books.fetch("SELECT reward_id, revision, state, paid_minor FROM rewards")
        entries = await books.fetch(
            "SELECT transfer_id, account_id, currency, amount_minor FROM entries"
        )
        accounts = await books.fetch("SELECT account_id, balance_minor FROM accounts")
    return Tables(
        touches=[row["sighting_id"] for row in touches],
        conversions={row["conversion_id"]: row["revision"] for row in decided},
        rewards={
            row["reward_id"]: (row["revision"], row["state"], row["paid_minor"]) for row in rewards
        },
        entries=[Entry(**dict(row)) for row in entries],
        balances={row["account_id"]: row["balance_minor"] for row in accounts},
        due=await _due(platform),
        unpublished=await _unpublished(platform),
    )


async def _due(platform: Running) -> dict[str, str | None]:
    """Due work, done or not: its name as a cause, and its own cause; None: the calendar."""
    found: dict[str, str | None] = {}
    for service in _WITH_DATABASE:
        async with _database(platform, service) as connection:
            rows = await connection.fetch(
                "SELECT kind, subject, due_at, cause_source, cause_id FROM kit.due"
            )
        for row in rows:
            name = derived_id(row["kind"], row["subject"], row["due_at"].isoformat())
            begins_here = service == _ASKED or row["cause_source"] == f"{service}/due"
            found[name] = None if begins_here else row["cause_id"]
    return found


async def _unpublished(platform: Running) -> int:
    """How many outbox rows wait for Kafka."""
    total = 0
    for service in _WITH_DATABASE:
        async with _database(platform, service) as connection:
            total += await connection.fetchval(
                "SELECT count(*) FROM kit.outbox WHERE published_at IS NULL"
            )
    return total


async def at_rest(platform: Running) -> bool:
    """Whether no payout is open and no delivery is about to be tried."""
    async with _database(platform, "rewards") as books:
        payouts = await books.fetchval(
            "SELECT count(*) FROM payouts WHERE state IN ('requested', 'unknown')"
        )
    async with _database(platform, "notifications") as letters:
        deliveries = await letters.fetchval(
            """
            SELECT count(*) FROM deliveries
             WHERE state = 'due' AND digest_at IS NULL
               AND (sending_since IS NOT NULL OR next_attempt_at < now() + interval '10 minutes')
            """
        )
    return not payouts and not deliveries


@asynccontextmanager
async def _database(platform: Running, service: str) -> "AsyncIterator[asyncpg.Connection]":
    name = database_name(platform.topic_prefix, SERVICES[service].database_name)
    connection = await asyncpg.connect(platform.infrastructure.database_url(name), timeout=5)
    try:
        yield connection
    finally:
        await connection.close()
