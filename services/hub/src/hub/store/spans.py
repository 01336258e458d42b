"""The ring of spans."""

import json
from collections.abc import Sequence

import asyncpg
from service_kit.transaction import Transaction

from ..domain.spans import Span

_SAVE = """
INSERT INTO spans (trace_id, span_id, parent_id, service, name, kind, started_at, seconds,
                   failed, links, attributes)
SELECT trace_id, span_id, parent_id, service, name, kind, started_at, seconds, failed,
       ARRAY(SELECT jsonb_array_elements_text(links)), attributes
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
              $7::timestamptz[], $8::float8[], $9::text[], $10::jsonb[], $11::jsonb[])
       AS new (trace_id, span_id, parent_id, service, name, kind, started_at, seconds,
               failed, links, attributes)
    ON CONFLICT DO NOTHING
"""

_OF_TRACES = """
SELECT trace_id, span_id, parent_id, service, name, kind, started_at, seconds, failed,
       links, attributes
  FROM spans
 WHERE trace_id = ANY($1::text[])
 ORDER BY started_at, span_id
 LIMIT $2
"""

# The ring: what is older than the given age goes, and the oldest beyond the given number.
_TRIM = """
DELETE FROM spans
 WHERE arrived_at < now() - make_interval(secs => $1)
    OR arrived_at < (SELECT arrived_at FROM spans ORDER BY arrived_at DESC OFFSET $2 LIMIT 1)
"""


async def save(tx: Transaction, spans: Sequence[Span]) -> None:
    """Keep spans; one that is there already stays as it is."""
    await tx.execute(
        _SAVE,
        [span.trace_id for span in spans],
        [span.span_id for span in spans],
        [span.parent_id for span in spans],
        [span.service for span in spans],
        [span.name for span in spans],
        [span.kind for span in spans],
        [span.started_at for span in spans],
        [span.seconds for span in spans],
        [span.failed for span in spans],
        [json.dumps(span.links) for span in spans],
        [json.dumps(dict(span.attributes)) for span in spans],
    )


async def of_traces(tx: Transaction, trace_ids: Sequence[str], *, limit: int) -> list[Span]:
    """The spans of some traces, by time, at most `limit`."""
    return [_span(row) for row in await tx.fetch(_OF_TRACES, trace_ids, limit)]


async def trim(tx: Transaction, *, kept_seconds: float, kept_rows: int) -> None:
    """Forget what is too old or too much."""
    await tx.execute(_TRIM, kept_seconds, kept_rows)


def _span(row: asyncpg.Record) -> Span:
    return Span(
        row["trace_id"],
        row["span_id"],
        row["parent_id"],
        row["service"],
        row["name"],
        row["kind"],
        row["started_at"],
        row["seconds"],
        row["failed"],
        tuple(row["links"]),
        json.loads(row["attributes"]),
    )
