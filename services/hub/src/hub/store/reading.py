"""What pages and the JSON twin read. Every list is bounded and pages by (at, id)."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from service_kit.transaction import Transaction

Document = Mapping[str, Any]

# `documents_latest` serves the order; a participant's filter is served by the gin index.
_LATEST = """
SELECT kind, id, revision, type, at, body FROM documents
 WHERE kind = $1
   AND ($2::text IS NULL OR participant_ids @> ARRAY[$2])
   AND ($3::text IS NULL OR body ->> 'state' = $3)
   AND ($4::timestamptz IS NULL OR (at, id) < ($4, $5))
 ORDER BY at DESC, id DESC
 LIMIT $6
"""

_OF_CONVERSION = """
SELECT kind, id, revision, type, at, body, participant_ids FROM documents
 WHERE conversion_id = $1
 ORDER BY at, kind, id
"""

_HISTORY = """
SELECT kind, id, revision, type, at, body, trace_id FROM steps
 WHERE conversion_id = $1
 ORDER BY at, kind, id, revision
"""

_ONE = "SELECT kind, id, revision, type, at, body FROM documents WHERE kind = $1 AND id = $2"

_COUNTS = """
SELECT coalesce(sum((body ->> 'clicks')::bigint), 0) AS clicks,
       coalesce(sum((body ->> 'share_views')::bigint), 0) AS share_views,
       coalesce(sum((body ->> 'codes_entered')::bigint), 0) AS codes_entered,
       coalesce(sum((body ->> 'leads')::bigint), 0) AS leads
  FROM documents
 WHERE kind = 'counts'
   AND ($1::text[] IS NULL OR body ->> 'code' = ANY($1))
"""


async def latest(
    tx: Transaction,
    kind: str,
    *,
    participant_id: str | None = None,
    state: str | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int,
) -> list[Document]:
    """The newest documents of a kind, newest first."""
    at, last_id = before or (None, None)
    rows = await tx.fetch(_LATEST, kind, participant_id, state, at, last_id, limit)
    return [_document(row) for row in rows]


async def of_conversion(tx: Transaction, conversion_id: str) -> list[Document]:
    """The newest document of everything that belongs to a conversion."""
    return [_document(row) for row in await tx.fetch(_OF_CONVERSION, conversion_id)]


async def history(tx: Transaction, conversion_id: str) -> list[Document]:
    """Every revision of everything that belongs to a conversion, by time."""
    return [_document(row) for row in await tx.fetch(_HISTORY, conversion_id)]


async def one(tx: Transaction, kind: str, document_id: str) -> Document | None:
    """One document."""
    row = await tx.fetchrow(_ONE, kind, document_id)
    return _document(row) if row else None


async def counts(tx: Transaction, codes: Sequence[str] | None) -> Mapping[str, int]:
    """Touches by kind, of these codes or of all."""
    row = await tx.fetchrow(_COUNTS, codes)
    return dict(row) if row else {}


def _document(row: asyncpg.Record) -> Document:
    return {**row, "body": json.loads(row["body"])}
