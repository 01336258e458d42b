"""Housekeeping of the kit's tables: partitions made ahead and dropped, old rows, old waits."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg
import structlog

from . import held, metrics, outbox, parking
from .settings import KitSettings
from .waiting import first_of

if TYPE_CHECKING:
    from .runtime import AnyRuntime

log = structlog.stdlib.get_logger(__name__)

_EXPIRED_AT_ONCE = 500
_FACTS_KEPT = timedelta(hours=1)  # a fact's row is for transactions under way, nothing longer
_DAYS_WIDE = {"inbox": 7, "outbox": 1}
_LOCK_PATIENCE = "SET LOCAL lock_timeout = '2s'"


async def run(runtime: "AnyRuntime", stop: asyncio.Event) -> None:
    """Do it all, again and again, until `stop`."""
    while not stop.is_set():
        await once(runtime, runtime.now())
        await first_of(stop, seconds=runtime.settings.maintenance_seconds)


async def once(runtime: "AnyRuntime", now: datetime) -> None:
    """Make days ahead, drop old ones, forget old rows, park old waits, measure."""
    settings = runtime.settings
    async with runtime.pool.acquire() as connection:
        await make_days(connection, settings.partitions_ahead_days)
        await drop_days(connection, "inbox", now - timedelta(days=settings.inbox_kept_days))
        await drop_days(connection, "outbox", now - timedelta(days=settings.outbox_kept_days))
        await _forget(connection, now, settings)
        metrics.outbox_unpublished.set(await outbox.unpublished(connection))
    oldest = now - timedelta(seconds=runtime.service.max_wait_seconds)
    async with runtime.transaction(step="upkeep") as tx:
        await parking.expire(tx, oldest, _EXPIRED_AT_ONCE)
    counts = await held.counts(runtime.pool)
    metrics.waiting.set(counts["waiting"])


async def make_days(connection: asyncpg.Connection, ahead: int) -> None:
    """Make the partitions from yesterday to so many days ahead."""
    async with connection.transaction():
        await connection.execute(_LOCK_PATIENCE)
        for parent, width in _DAYS_WIDE.items():
            await connection.execute("SELECT kit.make_days($1, $2, $3)", parent, ahead, width)


async def drop_days(connection: asyncpg.Connection, parent: str, before: datetime) -> None:
    """Drop the partitions that end before then; of the outbox only what is published."""
    for name, day in await _days(connection, parent):
        if day + timedelta(days=_DAYS_WIDE[parent]) > before:
            continue
        if parent == "outbox" and await _has_unpublished(connection, name):
            continue
        try:
            async with connection.transaction():
                await connection.execute(_LOCK_PATIENCE)
                await connection.execute(f"DROP TABLE kit.{name}")
        except asyncpg.LockNotAvailableError:
            log.info("an old day is still in use", table=name)


async def _days(connection: asyncpg.Connection, parent: str) -> list[tuple[str, datetime]]:
    rows = await connection.fetch(
        """
        SELECT child.relname AS name
          FROM pg_inherits
          JOIN pg_class AS child ON child.oid = inhrelid
         WHERE inhparent = ('kit.' || $1)::regclass
         ORDER BY child.relname
        """,
        parent,
    )
    names = [row["name"] for row in rows]
    return [
        (name, datetime.strptime(name.rpartition("_")[2], "%Y%m%d").replace(tzinfo=UTC))
        for name in names
    ]


async def _has_unpublished(connection: asyncpg.Connection, partition: str) -> bool:
    found: bool = await connection.fetchval(
        f"SELECT EXISTS (SELECT FROM kit.{partition} WHERE published_at IS NULL)"  # noqa: S608
    )
    return found


async def _forget(connection: asyncpg.Connection, now: datetime, settings: KitSettings) -> None:
    await connection.execute(
        "DELETE FROM kit.facts WHERE touched_at < $1 AND waking_at IS NULL", now - _FACTS_KEPT
    )
    await connection.execute(
        "DELETE FROM kit.due WHERE done_at < $1", now - timedelta(days=settings.done_kept_days)
    )
    await connection.execute(
        "DELETE FROM kit.held WHERE state = 'discarded' AND held_at < $1",
        now - timedelta(days=settings.inbox_kept_days),
    )
