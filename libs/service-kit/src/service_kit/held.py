"""Events set aside: waiting for a fact, parked, or behind one of these on an ordered topic.

Of a key of an ordered topic only the first held event waits or is parked; the others are `behind`
it. The key's quarantine row exists exactly as long as one of its events is held. Of a discarded
event the identity is kept, so that it is not let in again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import asyncpg

from .intake import Delivery, Fault, Item, pack_headers, unpack_headers
from .transaction import Transaction

State = Literal["waiting", "parked", "behind", "discarded"]
OrderedKey = tuple[str, bytes]
Fact = tuple[str, str]

COLUMNS = """ce_source, ce_id, ce_type, ce_time, state, reason, detail, kind, fact_id,
    topic, partition, place, key, headers, body, ordered, held_at"""

_PUT = f"""
INSERT INTO kit.held ({COLUMNS})
SELECT *, now()
  FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[],
              $7::text[], $8::text[], $9::text[], $10::text[], $11::integer[], $12::bigint[],
              $13::bytea[], $14::bytea[], $15::bytea[], $16::boolean[])
    ON CONFLICT (ce_source, ce_id) DO NOTHING
RETURNING ce_source, ce_id, held_at
"""  # noqa: S608 - our columns

_QUARANTINE = """
INSERT INTO kit.quarantine (topic, key)
SELECT DISTINCT topic, key FROM unnest($1::text[], $2::bytea[]) AS k (topic, key)
 ORDER BY topic, key
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Held:
    """One event set aside, and why."""

    source: str
    id: str
    type: str | None
    time: datetime
    state: State
    delivery: Delivery
    ordered: bool
    reason: str | None = None
    detail: str | None = None
    fact: Fact | None = None
    held_at: datetime | None = None

    @property
    def key(self) -> OrderedKey | None:
        """Its place on an ordered topic, if it is on one."""
        key = self.delivery.key
        return (self.delivery.topic, key) if self.ordered and key is not None else None


def hold(
    item: Item,
    state: State,
    *,
    ordered: bool,
    fault: Fault | None = None,
    fact: Fact | None = None,
) -> Held:
    """The value that sets an item aside."""
    return Held(
        source=item.source,
        id=item.id,
        type=item.type,
        time=item.time,
        state=state,
        delivery=item.delivery,
        ordered=ordered and item.delivery.key is not None,
        reason=fault.reason if fault else None,
        detail=fault.detail if fault else None,
        fact=fact,
    )


async def put(tx: Transaction, rows: Sequence[Held]) -> dict[tuple[str, str], datetime]:
    """Set events aside and quarantine their keys.

    Returns the (source, id) that were not held, and since when they are.
    """
    if not rows:
        return {}
    keys = [row.key for row in rows if row.key is not None]
    if keys:
        await tx.execute(_QUARANTINE, [topic for topic, _ in keys], [key for _, key in keys])
    facts = [row.fact or (None, None) for row in rows]
    added = await tx.fetch(
        _PUT,
        [row.source for row in rows],
        [row.id for row in rows],
        [row.type for row in rows],
        [row.time for row in rows],
        [row.state for row in rows],
        [row.reason for row in rows],
        [row.detail for row in rows],
        [kind for kind, _ in facts],
        [fact_id for _, fact_id in facts],
        [row.delivery.topic for row in rows],
        [row.delivery.partition for row in rows],
        [row.delivery.offset for row in rows],
        [row.delivery.key for row in rows],
        [pack_headers(row.delivery.headers) for row in rows],
        [row.delivery.body for row in rows],
        [row.ordered for row in rows],
    )
    return {(row["ce_source"], row["ce_id"]): row["held_at"] for row in added}


async def quarantined(tx: Transaction, keys: Iterable[OrderedKey]) -> set[OrderedKey]:
    """Which of these keys are held back. Whoever wants to empty one waits for this transaction."""
    wanted = sorted(set(keys))
    if not wanted:
        return set()
    rows = await tx.fetch(
        """
        SELECT topic, key FROM kit.quarantine
         WHERE (topic, key) IN (SELECT * FROM unnest($1::text[], $2::bytea[]))
         ORDER BY topic, key
           FOR SHARE
        """,
        [topic for topic, _ in wanted],
        [key for _, key in wanted],
    )
    return {(row["topic"], row["key"]) for row in rows}


async def lock_key(tx: Transaction, key: OrderedKey) -> None:
    """Keep consumers from holding back more of this key until the transaction ends."""
    await tx.execute("SELECT FROM kit.quarantine WHERE topic = $1 AND key = $2 FOR UPDATE", *key)


async def free_key(tx: Transaction, key: OrderedKey) -> None:
    """End a key's quarantine: nothing of it is held any more."""
    await tx.execute("DELETE FROM kit.quarantine WHERE topic = $1 AND key = $2", *key)


async def first(tx: Transaction, key: OrderedKey) -> Held | None:
    """The first held event of an ordered key."""
    row = await tx.fetchrow(
        f"""
        SELECT {COLUMNS} FROM kit.held
         WHERE ordered AND topic = $1 AND key = $2
         ORDER BY place
         LIMIT 1
           FOR UPDATE
        """,  # noqa: S608 - our columns
        *key,
    )
    return held_of(row) if row else None


async def get(
    connection: Transaction | asyncpg.Connection, source: str, event_id: str
) -> Held | None:
    """A held event by its identity."""
    row = await connection.fetchrow(
        f"""
        SELECT {COLUMNS} FROM kit.held
         WHERE ce_source = $1 AND ce_id = $2 AND state <> 'discarded'
        """,  # noqa: S608 - our columns
        source,
        event_id,
    )
    return held_of(row) if row else None


async def take(tx: Transaction, source: str, event_id: str) -> Held | None:
    """Remove a held event to handle it; None if somebody else has taken it."""
    row = await tx.fetchrow(
        f"""
        DELETE FROM kit.held
         WHERE ce_source = $1 AND ce_id = $2 AND state <> 'discarded'
        RETURNING {COLUMNS}
        """,  # noqa: S608 - our columns
        source,
        event_id,
    )
    return held_of(row) if row else None


async def bury(tx: Transaction, row: Held) -> None:
    """Keep the identity of a discarded event, and nothing of what it said."""
    place = row.delivery._replace(key=None, headers=(), body=None)
    await put(tx, [replace(row, state="discarded", ordered=False, detail=None, delivery=place)])


async def expire(tx: Transaction, before: datetime, limit: int) -> list[Held]:
    """Park the events that wait since before then, unless they are being woken; return them."""
    rows = await tx.fetch(
        f"""
        UPDATE kit.held
           SET state = 'parked', reason = 'waited_too_long', detail = kind || ' ' || fact_id,
               held_at = now()
         WHERE (ce_source, ce_id) IN (
               SELECT ce_source, ce_id FROM kit.held
                WHERE state = 'waiting' AND held_at < $1
                  AND NOT EXISTS (
                      SELECT FROM kit.facts
                       WHERE facts.kind = held.kind AND facts.id = held.fact_id
                         AND facts.waking_at IS NOT NULL)
                ORDER BY held_at
                LIMIT $2
                  FOR UPDATE SKIP LOCKED)
        RETURNING {COLUMNS}
        """,  # noqa: S608 - our columns
        before,
        limit,
    )
    return [held_of(row) for row in rows]


async def parked(connection: asyncpg.Connection, limit: int) -> list[Held]:
    """The parked events, the longest parked first."""
    rows = await connection.fetch(
        f"SELECT {COLUMNS} FROM kit.held WHERE state = 'parked' ORDER BY held_at LIMIT $1",  # noqa: S608
        limit,
    )
    return [held_of(row) for row in rows]


async def counts(connection: asyncpg.Connection) -> dict[str, int]:
    """How many events are held, by state."""
    rows = await connection.fetch(
        "SELECT state, count(*) FROM kit.held WHERE state <> 'discarded' GROUP BY state"
    )
    return {"waiting": 0, "parked": 0, "behind": 0} | {row["state"]: row["count"] for row in rows}


def held_of(row: asyncpg.Record) -> Held:
    """The value behind a row of COLUMNS."""
    return Held(
        source=row["ce_source"],
        id=row["ce_id"],
        type=row["ce_type"],
        time=row["ce_time"],
        state=row["state"],
        reason=row["reason"],
        detail=row["detail"],
        fact=(row["kind"], row["fact_id"]) if row["kind"] is not None else None,
        delivery=Delivery(
            topic=row["topic"],
            partition=row["partition"],
            offset=row["place"],
            key=row["key"],
            headers=unpack_headers(row["headers"]),
            body=row["body"],
            timestamp=row["ce_time"],
        ),
        ordered=row["ordered"],
        held_at=row["held_at"],
    )
