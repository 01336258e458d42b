"""The outbox: what a transaction emitted, until the relay has published it and for a while after.

A row's `seq` is taken after its transaction has its id, which is what lets the relay know when no
open transaction can hold a lower one (see `relay`).
"""

from collections.abc import Sequence
from datetime import datetime
from zlib import crc32

import asyncpg

from .intake import pack_headers
from .transaction import Emission, Transaction

SHARDS = 16

_INSERT = """
WITH this AS MATERIALIZED (SELECT pg_current_xact_id() AS xid)
INSERT INTO kit.outbox (seq, day, shard, topic, key, headers, body)
SELECT nextval('kit.outbox_seq'), (now() AT TIME ZONE 'utc')::date,
       row.shard, row.topic, row.key, row.headers, row.body
  FROM this,
       unnest($1::smallint[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[])
           WITH ORDINALITY AS row (shard, topic, key, headers, body, place)
 WHERE this.xid IS NOT NULL
 ORDER BY row.place
"""

_REPUBLISH = """
WITH reopened AS (
    UPDATE kit.outbox SET published_at = NULL
     WHERE published_at >= $1 RETURNING seq
), moved AS (
    UPDATE kit.relay
       SET generation = generation + 1,
           floor = least(floor, (SELECT min(seq) FROM reopened) - 1)
     WHERE EXISTS (SELECT FROM reopened)
)
SELECT count(*) FROM reopened
"""


async def write(tx: Transaction) -> None:
    """Add what `tx` emitted, in that order; afterwards it has emitted nothing."""
    if not tx.emissions:
        return
    rows, tx.emissions = tx.emissions, []
    tx.written.add("outbox")
    await tx.execute(
        _INSERT,
        [shard_of(row) for row in rows],
        [row.topic for row in rows],
        [row.key for row in rows],
        [pack_headers(row.headers) for row in rows],
        [row.body for row in rows],
    )


def shard_of(row: Emission) -> int:
    """The shard that keeps the order of this row's key."""
    return crc32(row.key or row.topic.encode()) % SHARDS


async def republish(connection: asyncpg.Connection, since: datetime) -> int:
    """Have everything published since then published again, in the same order; return how many.

    For a Kafka that lost its records. Consumers' inboxes absorb what was not lost.
    """
    count: int = await connection.fetchval(_REPUBLISH, since)
    return count


async def unpublished(connection: asyncpg.Connection) -> int:
    """How many rows Kafka has not taken."""
    count: int = await connection.fetchval(
        """
        SELECT count(*) FROM kit.outbox
         WHERE seq > (SELECT floor FROM kit.relay) AND published_at IS NULL
        """
    )
    return count


def columns(rows: Sequence[asyncpg.Record], *names: str) -> list[list[object]]:
    """The rows as columns, for `unnest`."""
    return [[row[name] for row in rows] for name in names]
