"""What pages and the JSON twin read. Every list is bounded and pages by (at, id)."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg
from service_kit.transaction import Transaction

Document = Mapping[str, Any]
Place = tuple[datetime, str]  # (at, id) of the last row that was read

_LATEST = """
SELECT kind, id, revision, type, at, body, state FROM documents
 WHERE kind = $1
   AND ($2::text[] IS NULL OR participant_ids && $2)
   AND ($3::text IS NULL OR state = $3)
   AND ($4::timestamptz IS NULL OR (at, id) < ($4, $5))
 ORDER BY at DESC, id DESC
 LIMIT $6
"""

_OF_CONVERSIONS = """
SELECT kind, id, revision, type, at, body, state, conversion_id FROM documents
 WHERE conversion_id = ANY($1::text[])
 ORDER BY at, kind, id
"""

_HISTORY = """
SELECT kind, id, revision, type, at, body, trace_id FROM steps
 WHERE conversion_id = $1
 ORDER BY at, kind, id, revision
"""

_ONE = "SELECT kind, id, revision, type, at, body, state FROM documents WHERE kind = $1 AND id = $2"

_CONCERNS_ANYTHING = "SELECT EXISTS (SELECT FROM documents WHERE participant_ids && ARRAY[$1])"

_REWARDS = """
SELECT kind, id, revision, type, at, body, state FROM documents
 WHERE kind = 'reward' AND participant_ids && $1::text[]
   AND body ->> 'beneficiary_id' = ANY($1::text[])
   AND ($2::timestamptz IS NULL OR (at, id) < ($2, $3))
 ORDER BY at DESC, id DESC
 LIMIT $4
"""

# Rewards tell cumulative sums; what is approved and neither paid nor set off is what is still owed.
_TOTALS = """
SELECT body ->> 'currency' AS currency,
       sum((body ->> 'pending_minor')::bigint) AS pending,
       sum(CASE WHEN state IN ('approved', 'fulfilling')
                THEN greatest((body ->> 'amount_minor')::bigint
                     - (body ->> 'paid_minor')::bigint - (body ->> 'netted_minor')::bigint, 0)
                ELSE 0 END) AS approved,
       sum((body ->> 'paid_minor')::bigint) AS paid,
       sum((body ->> 'netted_minor')::bigint) AS netted,
       sum((body ->> 'reversed_minor')::bigint) AS reversed
  FROM documents
 WHERE kind = 'reward' AND participant_ids && $1::text[]
   AND body ->> 'beneficiary_id' = ANY($1::text[])
 GROUP BY body ->> 'currency'
 ORDER BY body ->> 'currency'
"""

_SUMS = """
       coalesce(sum((c.body ->> 'clicks')::bigint), 0)::bigint AS clicks,
       coalesce(sum((c.body ->> 'share_views')::bigint), 0)::bigint AS share_views,
       coalesce(sum((c.body ->> 'codes_entered')::bigint), 0)::bigint AS codes_entered,
       coalesce(sum((c.body ->> 'leads')::bigint), 0)::bigint AS leads
"""

# A day's counts are told anew during the day and shortly after: `at` narrows what is looked at.
_COUNTS = f"""
SELECT {_SUMS}
  FROM documents AS c
 WHERE c.kind = 'counts'
   AND ($1::text IS NULL OR c.body ->> 'code' = $1)
   AND ($2::date IS NULL OR (c.at >= $2 AND (c.body ->> 'day')::date >= $2))
"""  # noqa: S608 - our own text

_LINKS = f"""
SELECT link.id AS code, link.body ->> 'program_id' AS program_id, link.state, counted.*
  FROM documents AS link
 CROSS JOIN LATERAL (
       SELECT {_SUMS} FROM documents AS c
        WHERE c.kind = 'counts' AND c.body ->> 'code' = link.id) AS counted
 WHERE link.kind = 'link' AND link.participant_ids && $1::text[]
 ORDER BY link.id
 LIMIT $2
"""  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents of a kind: concerning any of these people, in a state, after a place."""

    kind: str
    people: Collection[str] | None = None
    state: str | None = None
    before: Place | None = None


async def latest(tx: Transaction, wanted: Wanted, *, limit: int) -> list[Document]:
    """The newest documents of a kind, newest first."""
    people = None if wanted.people is None else list(wanted.people)
    at, last_id = wanted.before or (None, None)
    rows = await tx.fetch(_LATEST, wanted.kind, people, wanted.state, at, last_id, limit)
    return [_document(row) for row in rows]


async def of_conversions(
    tx: Transaction, conversion_ids: Sequence[str]
) -> dict[str, list[Document]]:
    """Per conversion, the newest document of everything that belongs to it, in the given order."""
    found: dict[str, list[Document]] = {conversion_id: [] for conversion_id in conversion_ids}
    for row in await tx.fetch(_OF_CONVERSIONS, list(found)):
        found[row["conversion_id"]].append(_document(row))
    return found


async def history(tx: Transaction, conversion_id: str) -> list[Document]:
    """Every revision of everything that belongs to a conversion, by time."""
    return [_document(row) for row in await tx.fetch(_HISTORY, conversion_id)]


async def one(tx: Transaction, kind: str, document_id: str) -> Document | None:
    """One document."""
    row = await tx.fetchrow(_ONE, kind, document_id)
    return _document(row) if row else None


async def is_known(tx: Transaction, person: str) -> bool:
    """Whether anything at all concerns this person."""
    return bool(await tx.fetchval(_CONCERNS_ANYTHING, person))


async def rewards(
    tx: Transaction, beneficiary: Collection[str], *, before: Place | None = None, limit: int
) -> list[Document]:
    """What somebody (all their ids) earns, newest first."""
    at, last_id = before or (None, None)
    rows = await tx.fetch(_REWARDS, list(beneficiary), at, last_id, limit)
    return [_document(row) for row in rows]


async def totals(tx: Transaction, beneficiary: Collection[str]) -> dict[str, dict[str, int]]:
    """Per currency, minor units of all that somebody (all their ids) earns, by how far it is."""
    rows = await tx.fetch(_TOTALS, list(beneficiary))
    names = ("pending", "approved", "paid", "netted", "reversed")
    return {row["currency"]: {name: int(row[name]) for name in names} for row in rows}


async def counts(
    tx: Transaction, *, code: str | None = None, since: date | None = None
) -> dict[str, int]:
    """Touches by kind, of a code or of all, since a day (UTC) or ever."""
    row = await tx.fetchrow(_COUNTS, code, since)
    return dict(row) if row else {}


async def links(tx: Transaction, people: Collection[str], *, limit: int) -> list[Document]:
    """Somebody's codes, each with its touches by kind."""
    return [dict(row) for row in await tx.fetch(_LINKS, list(people), limit)]


def _document(row: asyncpg.Record) -> Document:
    return {**row, "body": json.loads(row["body"])}
