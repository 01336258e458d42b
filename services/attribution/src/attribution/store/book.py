"""The read tables: every revision that the control plane published, as it was heard."""

from collections.abc import Iterable

from service_kit.transaction import Transaction

from ..domain.book import Book
from ..domain.tables import Entry, Said, book_of
from ..domain.values import SEPARATOR
from .rows import columns, in_order

_LOCK = "hashtextextended('attribution/book', 0)"


async def hold_book(tx: Transaction) -> None:
    """Before the first `load_book` of a decision: have revisions that come later wait for it."""
    await tx.execute(f"SELECT pg_advisory_xact_lock_shared({_LOCK})")


async def outlast_readers(tx: Transaction) -> None:
    """Return once nobody decides by a book from before this call, and stop nobody any longer.

    What they decided is committed by then: the next statement sees it.
    """
    savepoint = tx.connection.transaction()
    await savepoint.start()
    try:
        await tx.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
    finally:
        await savepoint.rollback()  # and with it the lock


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
