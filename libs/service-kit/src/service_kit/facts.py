"""The rows on which those that wait for a fact and the fact meet.

A row is marked (`waking_at`) while some that waited for it at that time are still to be woken.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import asyncpg

from .held import COLUMNS, Fact, Held, held_of
from .transaction import Transaction

_MEET = """
INSERT INTO kit.facts AS met (kind, id, known_at)
SELECT kind, id, CASE WHEN known THEN now() END
  FROM unnest($1::text[], $2::text[], $3::boolean[]) AS f (kind, id, known)
 ORDER BY kind, id
    ON CONFLICT (kind, id) DO UPDATE
   SET known_at = coalesce(EXCLUDED.known_at, met.known_at), touched_at = now()
RETURNING kind, id, known_at IS NOT NULL AS known
"""

# Of one fact the longest waiting first. `before` leaves out who waits since a mark was made, which
# is whoever was woken by it and asked again.
_WAKE = f"""
WITH facts AS (
    SELECT kind, id, coalesce(before, 'infinity') AS before
      FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS f (kind, id, before)
), chosen AS (
    SELECT waiter.ce_source, waiter.ce_id
      FROM facts CROSS JOIN LATERAL (
           SELECT ce_source, ce_id FROM kit.held
            WHERE state = 'waiting' AND kind = facts.kind AND fact_id = facts.id
              AND held_at <= facts.before
            ORDER BY held_at
            LIMIT $4
              FOR UPDATE) AS waiter
     LIMIT $4
), ordered AS (
    UPDATE kit.held SET state = 'behind', kind = NULL, fact_id = NULL
     WHERE held.ordered AND (ce_source, ce_id) IN (SELECT * FROM chosen)
    RETURNING {COLUMNS}
), others AS (
    DELETE FROM kit.held
     WHERE NOT held.ordered AND (ce_source, ce_id) IN (SELECT * FROM chosen)
    RETURNING {COLUMNS}
)
SELECT * FROM ordered UNION ALL SELECT * FROM others
 ORDER BY ce_time, ce_source, ce_id
"""  # noqa: S608 - our columns


async def meet(tx: Transaction, waited_for: set[Fact], announced: set[Fact]) -> set[Fact]:
    """Lock the rows of all these facts; whoever comes second finds what the first left.

    Returns those that are known.
    """
    keys = sorted(waited_for | announced)
    rows = await tx.fetch(
        _MEET,
        [kind for kind, _ in keys],
        [fact_id for _, fact_id in keys],
        [key in announced for key in keys],
    )
    return {(row["kind"], row["id"]) for row in rows if row["known"]}


async def wake(tx: Transaction, facts: Mapping[Fact, datetime | None], limit: int) -> list[Held]:
    """At most so many of the events that wait for these facts, since before the time given.

    They are removed, but an ordered one becomes `behind`.
    """
    if not limit or not facts:
        return []
    kinds, ids = [kind for kind, _ in facts], [fact_id for _, fact_id in facts]
    rows = await tx.fetch(_WAKE, kinds, ids, list(facts.values()), limit)
    return [held_of(row) for row in rows]


async def leave(tx: Transaction, facts: Iterable[Fact]) -> None:
    """Mark facts of which waiters may be left that no transaction has taken up."""
    tx.written.add("left")
    wanted = sorted(facts)
    await tx.execute(
        """
        INSERT INTO kit.facts (kind, id, waking_at)
        SELECT kind, id, clock_timestamp() FROM unnest($1::text[], $2::text[]) AS f (kind, id)
         ORDER BY kind, id
            ON CONFLICT (kind, id) DO UPDATE SET waking_at = clock_timestamp()
        """,
        [kind for kind, _ in wanted],
        [fact_id for _, fact_id in wanted],
    )


async def is_any_left(connection: asyncpg.Connection) -> bool:
    """Whether a fact is marked."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM kit.facts WHERE waking_at IS NOT NULL)"
    )
    return found


async def left(tx: Transaction, limit: int) -> dict[Fact, datetime]:
    """At most so many marked facts, locked, and when each was marked."""
    rows = await tx.fetch(
        """
        SELECT kind, id, waking_at FROM kit.facts
         WHERE waking_at IS NOT NULL
         ORDER BY kind, id
         LIMIT $1
           FOR UPDATE
        """,
        limit,
    )
    return {(row["kind"], row["id"]): row["waking_at"] for row in rows}


async def none_left(tx: Transaction, facts: Iterable[Fact]) -> None:
    """Unmark facts: all that waited for them is taken up."""
    wanted = list(facts)
    await tx.execute(
        """
        UPDATE kit.facts SET waking_at = NULL
         WHERE (kind, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
        """,
        [kind for kind, _ in wanted],
        [fact_id for _, fact_id in wanted],
    )


async def let_wait(tx: Transaction, row: Held, fact: Fact) -> None:
    """Have a held event wait for a fact."""
    await tx.execute(
        """
        UPDATE kit.held SET state = 'waiting', kind = $3, fact_id = $4, held_at = now()
         WHERE ce_source = $1 AND ce_id = $2
        """,
        row.source,
        row.id,
        *fact,
    )
