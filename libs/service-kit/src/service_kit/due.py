"""Due work: rows that fire at their time, once every event from before it has been heard."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg

from . import handling
from .crash import crash_point
from .events import Cause, DueRow, derived_id
from .failures import fault_of, isolated
from .telemetry import traceparent_of
from .transaction import Transaction

if TYPE_CHECKING:
    from .runtime import AnyRuntime

_WRITE = """
INSERT INTO kit.due (kind, subject, due_at, payload, cause_source, cause_id,
                     correlation_id, traceparent)
SELECT kind, subject, due_at, payload::jsonb, cause_source, cause_id, correlation_id, traceparent
  FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],
              $7::text[], $8::text[])
    AS d (kind, subject, due_at, payload, cause_source, cause_id, correlation_id, traceparent)
 ORDER BY kind, subject, due_at
    ON CONFLICT DO NOTHING
"""

# One kind at a time, the one that has waited longest.
_CLAIM = """
SELECT kind, subject, due_at, payload::text AS payload, correlation_id, traceparent
  FROM kit.due
 WHERE done_at IS NULL AND parked_reason IS NULL AND due_at <= $2
   AND kind = (SELECT kind FROM kit.due
                WHERE done_at IS NULL AND parked_reason IS NULL AND due_at <= $2
                  AND kind = ANY($1::text[])
                ORDER BY due_at
                LIMIT 1)
 ORDER BY due_at, subject
 LIMIT $3
   FOR UPDATE SKIP LOCKED
"""

_DONE = """
UPDATE kit.due
   SET done_at = CASE WHEN fired.reason IS NULL THEN now() END, parked_reason = fired.reason
  FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[])
    AS fired (kind, subject, due_at, reason)
 WHERE due.kind = fired.kind AND due.subject = fired.subject AND due.due_at = fired.due_at
"""


class Stuck(Exception):
    """Due work of this kind cannot be done now."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


async def write(tx: Transaction) -> None:
    """Add the due rows said in `tx`; a row that was there, done or not, stays as it is."""
    if not tx.due_rows:
        return
    rows = list(tx.due_rows.values())
    tx.due_rows = {}
    tx.written.add("due")
    await tx.execute(
        _WRITE,
        [row.kind for row in rows],
        [row.subject for row in rows],
        [row.due_at for row in rows],
        [json.dumps(row.payload) for row in rows],
        [row.cause.source for row in rows],
        [row.cause.event_id for row in rows],
        [row.cause.correlation_id for row in rows],
        [row.cause.traceparent for row in rows],
    )


async def fire(runtime: "AnyRuntime", until: datetime, kinds: Sequence[str] | None = None) -> int:
    """Handle one batch of rows due until then, in one transaction. Returns how many.

    Of these kinds, by default of all. Raises Stuck when a kind cannot be done now.
    """
    kinds = list(runtime.service.due if kinds is None else kinds)
    async with runtime.transaction(step="due") as tx:
        claimed = await tx.fetch(_CLAIM, kinds, until, runtime.settings.due_max_rows)
        if not claimed:
            return 0
        spans = [
            runtime.telemetry.start_linked(f"due {row['kind']}", [row["traceparent"]])
            for row in claimed
        ]
        try:
            rows = [
                _due_row(runtime.service.name, row, traceparent_of(span) if span else None)
                for row, span in zip(claimed, spans, strict=True)
            ]
            await _handle(runtime, tx, rows)
        except Exception as error:
            raise Stuck(claimed[0]["kind"]) from error
        finally:
            for span in spans:
                if span is not None:
                    span.end()
    crash_point("after_due_commit")
    return len(claimed)


async def _handle(runtime: "AnyRuntime", tx: Transaction, rows: Sequence[DueRow]) -> None:
    async def work(inner: Transaction, some: Sequence[DueRow]) -> None:
        await runtime.service.due[some[0].kind](inner, some)
        await handling.complete(runtime, inner)

    failed = await isolated(tx, rows, work)
    reasons = {id(row): fault_of(error).detail for row, error in failed}
    await tx.execute(
        _DONE,
        [row.kind for row in rows],
        [row.subject for row in rows],
        [row.due_at for row in rows],
        [reasons.get(id(row)) for row in rows],
    )


async def next_row(
    connection: asyncpg.Connection, service: str, kinds: Sequence[str]
) -> asyncpg.Record | None:
    """The next row that may fire: `kind`, `due_at`, and whether an event caused it.

    The earliest that an event caused, whatever the calendar has before it; else the calendar's.
    """
    return await connection.fetchrow(
        """
        SELECT kind, due_at, cause_source <> $2 AS by_event FROM kit.due
         WHERE done_at IS NULL AND parked_reason IS NULL AND kind = ANY($1::text[])
         ORDER BY by_event DESC, due_at
         LIMIT 1
        """,
        list(kinds),
        f"{service}/due",
    )


async def next_due_at(connection: asyncpg.Connection, kinds: Sequence[str]) -> datetime | None:
    """When the earliest row that may fire is due."""
    due_at: datetime | None = await connection.fetchval(
        """
        SELECT min(due_at) FROM kit.due
         WHERE done_at IS NULL AND parked_reason IS NULL AND kind = ANY($1::text[])
        """,
        list(kinds),
    )
    return due_at


def _due_row(service: str, row: asyncpg.Record, traceparent: str | None) -> DueRow:
    due_at: datetime = row["due_at"]
    event_id = derived_id(row["kind"], row["subject"], due_at.isoformat())
    cause = Cause(
        source=f"{service}/due",
        event_id=event_id,
        now=due_at,
        correlation_id=row["correlation_id"],
        traceparent=traceparent or row["traceparent"],
    )
    return DueRow(row["kind"], row["subject"], due_at, json.loads(row["payload"]), cause)
