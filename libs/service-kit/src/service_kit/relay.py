"""The relay: outbox rows to Kafka, in order per key, marked once all are acknowledged.

A cycle is one transaction: lock the shards that have rows, read, send, await, mark, commit. The
commit of this process wakes it; polling is the truth.

It never pages by `seq > last`, which would skip a slow transaction's lower seq, nor scans all rows
for unpublished ones, which collapses while anybody holds an old snapshot. It scans above a floor:
everything up to it is published, and no open transaction can still hold a seq up to it. To raise
the floor it notes the last seq taken, then takes a transaction id: every transaction that took a
seq before has a lower id (see outbox), so once all of those have ended, whatever is still
unpublished up to the noted seq is visible.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import asyncpg
import structlog

from . import metrics
from .crash import crash_point
from .intake import unpack_headers
from .producer import Record, Unacknowledged, Unpublishable
from .waiting import first_of

if TYPE_CHECKING:
    from .runtime import AnyRuntime

log = structlog.stdlib.get_logger(__name__)

_LOCK_SPACE = 0x6F75_7462
_BUSY_SECONDS = 0.005
_SKIP_SECONDS = 10.0
_LAST_CYCLE_SECONDS = 3.0
_DEAD_LETTERS = ".dlq."

# One statement, one snapshot: whether the checkpoint's transactions have ended, and what is left.
_LOOK = """
WITH head AS MATERIALIZED (
    SELECT seq, shard FROM kit.outbox
     WHERE seq > $1 AND published_at IS NULL AND topic <> ALL($2::text[])
     ORDER BY seq
     LIMIT $3
), shards AS MATERIALIZED (
    SELECT DISTINCT shard FROM head
), mine AS MATERIALIZED (
    SELECT shard FROM shards WHERE pg_try_advisory_xact_lock($4::integer, shard::integer)
)
SELECT taken.last_value - CASE WHEN taken.is_called THEN 0 ELSE 1 END AS taken,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest,
       (SELECT min(seq) FROM kit.outbox WHERE seq > $1 AND published_at IS NULL) AS first,
       ARRAY(SELECT shard FROM mine) AS mine,
       (SELECT count(*) FROM shards) AS shards,
       relay.generation
  FROM kit.outbox_seq AS taken, kit.relay
"""

_READ = """
SELECT seq, day, topic, key, headers, body FROM kit.outbox
 WHERE seq > $1 AND published_at IS NULL AND shard = ANY($2::smallint[])
   AND topic <> ALL($3::text[])
 ORDER BY seq
 LIMIT $4
"""

_MARK = """
UPDATE kit.outbox SET published_at = now()
 WHERE seq = ANY($1::bigint[]) AND day BETWEEN $2 AND $3
"""

_REMEMBER = "UPDATE kit.relay SET floor = $1 WHERE generation = $2 AND floor < $1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Once every transaction below `xid` has ended, nobody can add a row up to `seq`."""

    seq: int
    xid: int


@dataclass(frozen=True, slots=True)
class Floor:
    """Everything up to `seq` is published for good, in this generation."""

    seq: int = 0
    generation: int = -1
    checkpoint: Checkpoint | None = None

    def seen(self, look: asyncpg.Record) -> "Floor":
        """The floor after a look, which is one snapshot."""
        check = self.checkpoint
        if check is None or look["oldest"] < check.xid:
            return self
        first = look["first"]
        settled = check.seq if first is None else min(check.seq, first - 1)
        return Floor(max(self.seq, settled), self.generation)


class Relay:
    """One instance's relay, with a connection of its own."""

    def __init__(self, runtime: "AnyRuntime") -> None:
        self._runtime = runtime
        self._settings = runtime.settings
        self._floor = Floor()
        self._remembered = 0.0
        self._skipped: dict[str, float] = {}  # topics that Kafka did not take, until when

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop`, then once more. Raises when database or Kafka fail."""
        connection = await self._runtime.database.connect()
        try:
            await self._begin(connection)
            while not stop.is_set():
                self._runtime.outbox_written.clear()
                rest = await self.cycle(connection)
                await first_of(self._runtime.outbox_written, stop, seconds=self._pause(rest))
            with suppress(TimeoutError):
                await asyncio.wait_for(self.cycle(connection), _LAST_CYCLE_SECONDS)
        finally:
            with suppress(Exception):
                await connection.close(timeout=1)

    async def _begin(self, connection: asyncpg.Connection) -> None:
        """Start at the floor that was last written down.

        Never at the one in memory: a database that crashed, or failed over, may give numbers
        again that it had given before, and its own floor went back with them.
        """
        row = await connection.fetchrow("SELECT floor, generation FROM kit.relay")
        self._floor = Floor(row["floor"], row["generation"])

    async def cycle(self, connection: asyncpg.Connection) -> int | None:
        """Publish one batch. Returns how many rows, or None if all of them are somebody else's."""
        began = time.monotonic()
        async with connection.transaction():
            look = await self._look(connection)
            if not look["mine"]:
                await self._note(connection, look)
                return None if look["shards"] else 0
            rows = await connection.fetch(
                _READ,
                self._floor.seq,
                look["mine"],
                list(self._skipped),
                self._settings.relay_max_rows,
            )
            await self._publish(connection, rows)
            await self._note(connection, look)
        crash_point("after_mark")
        metrics.relay_publish_seconds.observe(time.monotonic() - began)
        return len(rows)

    async def _look(self, connection: asyncpg.Connection) -> asyncpg.Record:
        now = time.monotonic()
        self._skipped = {topic: until for topic, until in self._skipped.items() if until > now}
        look = await connection.fetchrow(
            _LOOK,
            self._floor.seq,
            list(self._skipped),
            self._settings.relay_max_rows,
            _LOCK_SPACE,
        )
        if look["generation"] != self._floor.generation:
            await self._begin(connection)
            return await self._look(connection)
        self._floor = self._floor.seen(look)
        return look

    async def _publish(
        self, connection: asyncpg.Connection, rows: Sequence[asyncpg.Record]
    ) -> None:
        """Send and await all, then mark those that Kafka took."""
        crash_point("before_publish")
        errors = await self._runtime.producer.send_all(
            [
                Record(row["topic"], row["key"], unpack_headers(row["headers"]), row["body"])
                for row in rows
            ],
            deadline_seconds=self._settings.relay_deadline_seconds,
        )
        crash_point("after_publish_before_mark")
        failed = _failed(rows, errors)
        taken = [row for row in rows if row["topic"] not in failed] if failed else rows
        if taken:
            days = [row["day"] for row in taken]
            await connection.execute(_MARK, [row["seq"] for row in taken], min(days), max(days))
        for topic, error in failed.items():
            self._skipped[topic] = time.monotonic() + _SKIP_SECONDS
            log.error("topic not published", topic=topic, error=str(error))

    async def _note(self, connection: asyncpg.Connection, look: asyncpg.Record) -> None:
        """Take the next checkpoint, and at times write down the floor for the next start."""
        floor = self._floor
        if floor.checkpoint is None and look["taken"] > floor.seq:
            xid = await connection.fetchval("SELECT pg_current_xact_id()::text::bigint")
            self._floor = replace(floor, checkpoint=Checkpoint(look["taken"], xid))
        if time.monotonic() > self._remembered + self._settings.maintenance_seconds:
            await connection.execute(_REMEMBER, floor.seq, floor.generation)
            self._remembered = time.monotonic()

    def _pause(self, published: int | None) -> float:
        if published is None:
            return _BUSY_SECONDS
        return 0 if published else self._settings.relay_poll_seconds


def _failed(
    rows: Sequence[asyncpg.Record], errors: Sequence[Exception | None]
) -> dict[str, Exception]:
    """By topic what Kafka did not take, but for what may be lost."""
    if not any(errors):
        return {}
    is_there = None in errors  # somebody was acknowledged
    return {
        row["topic"]: error
        for row, error in zip(rows, errors, strict=True)
        if error is not None and not (is_there and _may_be_lost(row["topic"], error))
    }


def _may_be_lost(topic: str, error: Exception) -> bool:
    """Copies of dead letters for a topic nobody made: the parked table is the truth."""
    if _DEAD_LETTERS not in topic or not isinstance(error, Unacknowledged | Unpublishable):
        return False
    log.warning("dead letter not copied", topic=topic, error=str(error))
    return True
