"""Whether a server answers a real client, asked once and briefly."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

ANSWER_SECONDS = 5.0
PAUSE_SECONDS = 0.1

Answers = Callable[[str], Awaitable[bool]]


async def kafka_answers(bootstrap: str) -> bool:
    """Whether the broker is registered and serves metadata."""
    if not await _listens(bootstrap):  # quietly: aiokafka logs an error for each refusal
        return False
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await _has_brokers(bootstrap)
    except (KafkaError, OSError):
        return False


async def postgres_answers(url: str) -> bool:
    """Whether PostgreSQL answers `SELECT 1`."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            connection = await asyncpg.connect(url)
            try:
                return bool(await connection.fetchval("SELECT 1") == 1)
            finally:
                await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        return False


async def wait_for(answers: Answers, url: str, *, timeout_seconds: float) -> bool:
    """Ask until it answers; False when the time ran out first."""
    deadline = time.monotonic() + timeout_seconds
    while not await answers(url):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(PAUSE_SECONDS)
    return True


async def _listens(bootstrap: str) -> bool:
    host, _, port = bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, ValueError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


async def _has_brokers(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="goodword-ready")
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        return bool(cluster["brokers"])
    finally:
        await admin.close()
