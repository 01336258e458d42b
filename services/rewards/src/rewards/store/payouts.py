"""Payouts: the intents to pay, who may execute them now, and what became of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import asyncpg
from msgspec import Struct
from service_kit.events import Cause
from service_kit.transaction import Transaction
from shared_schemas.states import PayoutState
from shared_schemas.words import Rail

from ..domain.values import Payout
from .rows import Rows

_ROWS = Rows(
    "payouts",
    {
        "payout_id": "text",
        "reward_id": "text",
        "conversion_id": "text",
        "beneficiary_id": "text",
        "rail": "text",
        "amount_minor": "bigint",
        "currency": "text",
        "state": "text",
        "revision": "integer",
        "attempts": "integer",
        "provider_reference": "text",
        "reason": "text",
        "requested_at": "timestamptz",
        "changed_at": "timestamptz",
        "due_at": "timestamptz",
        "correlation_id": "text",
        "traceparent": "text",
    },
)
_COLUMNS = ", ".join(_ROWS.columns)

_PENDING = """
SELECT count(*) FROM payouts WHERE state IN ('requested', 'unknown') AND due_at < $1
"""

_UNSETTLED = f"""
SELECT {_COLUMNS}
  FROM payouts
 WHERE reward_id = ANY($1::text[]) AND state IN ('requested', 'unknown')
 ORDER BY payout_id
   FOR UPDATE
"""  # noqa: S608, names are constants
_LOCKED = f"""
SELECT {_COLUMNS} FROM payouts WHERE payout_id = ANY($1::text[]) ORDER BY payout_id FOR UPDATE
"""  # noqa: S608, names are constants

# Attempts are counted before the provider is called: a crash in between is found and asked about.
_CLAIM = f"""
UPDATE payouts
   SET attempts = attempts + 1, due_at = $2
 WHERE payout_id IN (
       SELECT payout_id
         FROM payouts
        WHERE state IN ('requested', 'unknown') AND due_at <= $1
        ORDER BY due_at
        LIMIT $3
          FOR UPDATE SKIP LOCKED)
RETURNING {_COLUMNS}
"""  # noqa: S608, names are constants


class Intent(Struct, frozen=True):
    """A payout with what is not its own: when to look at it next, and what it follows from."""

    payout: Payout
    due_at: datetime
    correlation_id: str
    traceparent: str | None


async def unsettled(tx: Transaction, reward_ids: Iterable[str]) -> dict[str, Intent]:
    """The locked payouts in flight, by reward."""
    wanted = sorted(reward_ids)
    rows = await tx.fetch(_UNSETTLED, wanted) if wanted else []
    return {row["reward_id"]: _intent(row) for row in rows}


async def locked(tx: Transaction, payout_ids: Iterable[str]) -> dict[str, Intent]:
    """Payouts by id, locked."""
    return {row["payout_id"]: _intent(row) for row in await tx.fetch(_LOCKED, sorted(payout_ids))}


async def claim(tx: Transaction, now: datetime, lease: timedelta, limit: int) -> list[Intent]:
    """Payouts that are due, leased to the caller; `attempts` includes the one to come."""
    return [_intent(row) for row in await tx.fetch(_CLAIM, now, now + lease, limit)]


async def pending(tx: Transaction, before: datetime) -> int:
    """How many payouts are open and to be tried before then."""
    count: int = await tx.fetchval(_PENDING, before)
    return count


async def save(tx: Transaction, intents: Sequence[Intent]) -> None:
    """Write payouts, new and known."""
    await _ROWS.upsert(tx, [_row(intent) for intent in intents])


def intend(payout: Payout, cause: Cause) -> Intent:
    """A new payout as the consequence of a decision: due at once."""
    return Intent(payout, payout.requested_at, cause.correlation_id, cause.traceparent)


def _row(intent: Intent) -> tuple[object, ...]:
    payout = intent.payout
    return (
        payout.payout_id,
        payout.reward_id,
        payout.conversion_id,
        payout.beneficiary_id,
        payout.rail,
        payout.amount_minor,
        payout.currency,
        payout.state,
        payout.revision,
        payout.attempts,
        payout.provider_reference,
        payout.reason,
        payout.requested_at,
        payout.changed_at,
        intent.due_at,
        intent.correlation_id,
        intent.traceparent,
    )


def _intent(row: asyncpg.Record) -> Intent:
    payout = Payout(
        payout_id=row["payout_id"],
        reward_id=row["reward_id"],
        conversion_id=row["conversion_id"],
        beneficiary_id=row["beneficiary_id"],
        rail=Rail(row["rail"]),
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        state=PayoutState(row["state"]),
        revision=row["revision"],
        attempts=row["attempts"],
        provider_reference=row["provider_reference"],
        reason=row["reason"],
        requested_at=row["requested_at"],
        changed_at=row["changed_at"],
    )
    return Intent(payout, row["due_at"], row["correlation_id"], row["traceparent"])
