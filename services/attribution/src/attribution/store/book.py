"""The read tables: every revision that the control plane published, as it was heard."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from service_kit.transaction import Transaction

from ..domain.book import Book
from ..domain.tables import Entry, Said, book_of
from ..domain.values import ALWAYS, SEPARATOR
from .rows import columns, in_order

PAGE = 500


async def load_book(tx: Transaction, keys: Iterable[str]) -> Book:
    """What is known under keys such as `link/spring`, and under those that links refer to."""
    names = in_order(keys)
    if not names:
        return Book()
    rows = await tx.fetch(
        """
        WITH named AS MATERIALIZED (
            SELECT key, part, revision, heard_at, event_type, needs, body::text AS body
              FROM book WHERE key = ANY($1::text[])
        )
        SELECT key, part, revision, heard_at, event_type, body FROM named
         UNION ALL
        SELECT key, part, revision, heard_at, event_type, body::text
          FROM book
         WHERE key = ANY(ARRAY(SELECT unnest(needs) FROM named EXCEPT SELECT unnest($1::text[])))
         ORDER BY key, part, revision
        """,
        names,
    )
    return book_of(Entry(*row) for row in rows)


async def save_entries(tx: Transaction, told: Iterable[Said]) -> list[Said]:
    """Add revisions. Returns those that are new."""
    rows = {(s.entry.key, s.entry.part, s.entry.revision): s for s in told}
    if not rows:
        return []
    new = await tx.fetch(
        """
        INSERT INTO book (key, part, revision, heard_at, event_type, effective_at, needs, body)
        SELECT key, part, revision, heard_at, event_type, effective_at,
               string_to_array(needs, chr(31)), body::jsonb
          FROM unnest($1::text[], $2::text[], $3::integer[], $4::timestamptz[], $5::text[],
                      $6::timestamptz[], $7::text[], $8::text[])
            AS b (key, part, revision, heard_at, event_type, effective_at, needs, body)
         ORDER BY key, part, revision
            ON CONFLICT DO NOTHING
        RETURNING key, part, revision
        """,
        *columns(
            rows.values(),
            lambda s: s.entry.key,
            lambda s: s.entry.part,
            lambda s: s.entry.revision,
            lambda s: s.entry.heard_at,
            lambda s: s.entry.event_type,
            lambda s: s.effective_at,
            lambda s: SEPARATOR.join(s.needs),
            lambda s: s.entry.body,
        ),
    )
    return [rows[row["key"], row["part"], row["revision"]] for row in new]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisit:
    """A changed fact, and from which conversion on it is to be looked at."""

    key: str
    since: datetime = ALWAYS
    now: datetime
    after: str = ""


async def conversions_touched_by(tx: Transaction, revisits: Sequence[Revisit]) -> list[list[str]]:
    """For each changed fact the conversions still in grace that it may change, at most a PAGE.

    A policy reaches them by their market; anything else by a code: the link's own, or one of a
    link that refers to the participant or program.
    """
    rows = await tx.fetch(
        """
        SELECT x.n, found.conversion_id
          FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[])
               WITH ORDINALITY AS x (key, since, now, after, n)
         CROSS JOIN LATERAL (
                SELECT c.conversion_id
                  FROM conversions AS c
                 WHERE x.key LIKE 'market/%' AND c.market_id = substr(x.key, 8)
                   AND c.grace_ends_at >= x.now AND c.occurred_at >= x.since
                   AND c.conversion_id > x.after
                 UNION
                SELECT c.conversion_id
                  FROM conversions AS c
                 WHERE c.conversion_id = ANY(ARRAY(
                        SELECT ci.conversion_id
                          FROM book AS link
                          JOIN sightings AS s ON s.code = substr(link.key, 6)
                          JOIN identifiers AS met ON met.identifier = s.identifier
                          JOIN identifiers AS same ON same.person_id = met.person_id
                          JOIN conversion_identifiers AS ci ON ci.identifier = same.identifier
                         WHERE x.key NOT LIKE 'market/%' AND link.key LIKE 'link/%'
                           AND (link.key = x.key OR link.needs @> ARRAY[x.key])))
                   AND c.grace_ends_at >= x.now AND c.occurred_at >= x.since
                   AND c.conversion_id > x.after
                 ORDER BY conversion_id
                 LIMIT $5
               ) AS found
         ORDER BY x.n, found.conversion_id
        """,
        *columns(
            revisits,
            lambda r: r.key,
            lambda r: r.since,
            lambda r: r.now,
            lambda r: r.after,
        ),
        PAGE,
    )
    found: list[list[str]] = [[] for _ in revisits]
    for row in rows:
        found[row["n"] - 1].append(row["conversion_id"])
    return found
