"""What really lies in Kafka and PostgreSQL, read past every API of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from goodword.platform import Running
from goodword.platform.catalogue import SERVICES
from goodword.platform.databases import database_name

WITH_DATABASE = tuple(row.name for row in SERVICES.values() if row.database)
_POLL_MILLISECONDS = 500


@asynccontextmanager
async def database(platform: Running, service: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a service's own database."""
    name = database_name(platform.topic_prefix, SERVICES[service].database_name)
    connection = await asyncpg.connect(platform.infrastructure.database_url(name))
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def producing(platform: Running) -> AsyncIterator[AIOKafkaProducer]:
    """Anybody's producer: it knows nothing of our wire."""
    servers = platform.infrastructure.kafka_bootstrap
    async with AIOKafkaProducer(bootstrap_servers=servers, max_request_size=1_048_576) as producer:
        yield producer


async def topics(platform: Running) -> list[str]:
    """Every topic of this platform as Kafka names it, dead letters too."""
    admin = AIOKafkaAdminClient(bootstrap_servers=platform.infrastructure.kafka_bootstrap)
    await admin.start()
    try:
        names: list[str] = await admin.list_topics()
    finally:
        await admin.close()
    return sorted(name for name in names if name.startswith(platform.topic_prefix))


async def records(platform: Running, *names: str) -> list[ConsumerRecord[bytes, bytes]]:
    """Every record that these topics have now; names as Kafka has them."""
    consumer = AIOKafkaConsumer(
        *names, bootstrap_servers=platform.infrastructure.kafka_bootstrap, group_id=None
    )
    found: list[ConsumerRecord[bytes, bytes]] = []
    async with consumer:
        partitions = consumer.assignment()
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        left = set(partitions)
        while left := {tp for tp in left if await consumer.position(tp) < ends[tp]}:
            polled = await consumer.getmany(*left, timeout_ms=_POLL_MILLISECONDS)
            found += [record for some in polled.values() for record in some]
    return found


async def rows(connection: asyncpg.Connection) -> AsyncIterator[tuple[str, str]]:
    """Every row of every table of a database as PostgreSQL writes it down, with its table."""
    tables = await connection.fetch(
        "SELECT schemaname, relname FROM pg_stat_user_tables ORDER BY 1, 2"
    )
    for schema, name in tables:
        for row in await connection.fetch(f'SELECT t::text AS row FROM ONLY "{schema}"."{name}" t'):
            yield f"{schema}.{name}", row["row"]
