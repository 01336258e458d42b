"""Touches, reports and consents: each fact a row, whichever batch brings it and however often."""

from collections.abc import Iterable, Sequence

from asyncpg import Record
from service_kit.transaction import Transaction

from ..domain.credit import Report, Touch
from ..domain.identity import Mark

MAX_REPORTS = 50
"""Reports looked at for one conversion, the canonically first."""


async def save_touches(tx: Transaction, touches: Iterable[Touch]) -> set[str]:
    """Keep the canonically first fact of each touch and lock all rows; returns what changed."""
    rows = sorted(touches, key=lambda touch: touch.touch_id)
    if not rows:
        return set()
    saved = await tx.fetch(
        """
        INSERT INTO touches AS known (touch_id, occurred_at, event_id, source, address_hash)
        SELECT touch_id, occurred_at, event_id, source, address_hash
          FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[])
            AS new (touch_id, occurred_at, event_id, source, address_hash)
         ORDER BY touch_id COLLATE "C"
            ON CONFLICT (touch_id) DO UPDATE
           SET occurred_at = excluded.occurred_at,
               event_id = excluded.event_id,
               source = excluded.source,
               address_hash = excluded.address_hash
         WHERE excluded.occurred_at IS NOT NULL
           AND (known.occurred_at IS NULL
                OR (excluded.occurred_at, excluded.event_id, excluded.source)
                 < (known.occurred_at, known.event_id, known.source))
        RETURNING touch_id
        """,
        [touch.touch_id for touch in rows],
        [touch.mark.occurred_at if touch.mark else None for touch in rows],
        [touch.mark.event_id if touch.mark else None for touch in rows],
        [touch.mark.source if touch.mark else None for touch in rows],
        [touch.address_hash for touch in rows],
    )
    return {row["touch_id"] for row in saved}


async def touches(tx: Transaction, touch_ids: Iterable[str]) -> dict[str, Touch]:
    """Touches by id."""
    wanted = sorted(set(touch_ids))
    if not wanted:
        return {}
    rows = await tx.fetch(
        """
        SELECT touch_id, occurred_at, event_id, source, address_hash
          FROM touches
         WHERE touch_id = ANY($1::text[])
        """,
        wanted,
    )
    return {row["touch_id"]: _touch(row) for row in rows}


async def await_touches(tx: Transaction, pairs: Iterable[tuple[str, str]]) -> None:
    """Remember which conversions rest on touches nobody told of yet: (touch, conversion)."""
    rows = sorted(set(pairs))
    if rows:
        await tx.execute(
            """
            INSERT INTO awaited_touches (touch_id, conversion_id)
            SELECT touch_id, conversion_id
              FROM unnest($1::text[], $2::text[]) AS new (touch_id, conversion_id)
                ON CONFLICT DO NOTHING
            """,
            [touch_id for touch_id, _ in rows],
            [conversion_id for _, conversion_id in rows],
        )


async def awaiting(tx: Transaction, touch_ids: Iterable[str]) -> list[tuple[str, str]]:
    """The conversions that these touches were missing from: (touch, conversion)."""
    wanted = sorted(set(touch_ids))
    if not wanted:
        return []
    rows = await tx.fetch(
        "SELECT touch_id, conversion_id FROM awaited_touches WHERE touch_id = ANY($1::text[])",
        wanted,
    )
    return [(row["touch_id"], row["conversion_id"]) for row in rows]


async def save_reports(tx: Transaction, reports: Sequence[Report]) -> None:
    """Add reports; one that is known stays as it is."""
    if not reports:
        return
    await tx.execute(
        """
        INSERT INTO reports (source, event_id, conversion_id, occurred_at, trusted, consented,
                             refused, visitor_id, customer_id, email_hash, address_hash)
        SELECT *
          FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[],
                      $6::boolean[], $7::boolean[], $8::text[], $9::text[], $10::text[],
                      $11::text[])
            ON CONFLICT DO NOTHING
        """,
        [report.mark.source for report in reports],
        [report.mark.event_id for report in reports],
        [report.conversion_id for report in reports],
        [report.mark.occurred_at for report in reports],
        [report.trusted for report in reports],
        [report.consented for report in reports],
        [report.refused for report in reports],
        [report.visitor_id for report in reports],
        [report.customer_id for report in reports],
        [report.email_hash for report in reports],
        [report.address_hash for report in reports],
    )


async def reports(tx: Transaction, conversion_ids: Iterable[str]) -> dict[str, list[Report]]:
    """The first MAX_REPORTS reports of each conversion, in canonical order."""
    wanted = sorted(set(conversion_ids))
    rows = await tx.fetch(
        """
        SELECT r.source, r.event_id, r.conversion_id, r.occurred_at, r.trusted, r.consented,
               r.refused, r.visitor_id, r.customer_id, r.email_hash, r.address_hash
          FROM unnest($1::text[]) AS wanted (conversion_id)
         CROSS JOIN LATERAL (
               SELECT source, event_id, conversion_id, occurred_at, trusted, consented,
                      refused, visitor_id, customer_id, email_hash, address_hash
                 FROM reports
                WHERE reports.conversion_id = wanted.conversion_id
                ORDER BY occurred_at, event_id, source
                LIMIT $2) AS r
        """,
        wanted,
        MAX_REPORTS,
    )
    found: dict[str, list[Report]] = {}
    for row in rows:
        found.setdefault(row["conversion_id"], []).append(_report(row))
    return found


async def consents(tx: Transaction, visitor_ids: Iterable[str]) -> dict[str, tuple[Mark, bool]]:
    """What visitors said last: when, and whether they refused."""
    wanted = sorted(set(visitor_ids))
    if not wanted:
        return {}
    rows = await tx.fetch(
        """
        SELECT visitor_id, refused, occurred_at, event_id, source
          FROM consents
         WHERE visitor_id = ANY($1::text[])
        """,
        wanted,
    )
    return {row["visitor_id"]: (mark_of(row), row["refused"]) for row in rows}


async def save_consents(tx: Transaction, said: dict[str, tuple[Mark, bool]]) -> None:
    """Keep what each visitor said canonically last."""
    if not said:
        return
    rows = sorted(said.items())
    await tx.execute(
        """
        INSERT INTO consents AS known (visitor_id, refused, occurred_at, event_id, source)
        SELECT visitor_id, refused, occurred_at, event_id, source
          FROM unnest($1::text[], $2::boolean[], $3::timestamptz[], $4::text[], $5::text[])
            AS new (visitor_id, refused, occurred_at, event_id, source)
            ON CONFLICT (visitor_id) DO UPDATE
           SET refused = excluded.refused,
               occurred_at = excluded.occurred_at,
               event_id = excluded.event_id,
               source = excluded.source
         WHERE (excluded.occurred_at, excluded.event_id, excluded.source)
             > (known.occurred_at, known.event_id, known.source)
        """,
        [visitor_id for visitor_id, _ in rows],
        [refused for _, (_, refused) in rows],
        [mark.occurred_at for _, (mark, _) in rows],
        [mark.event_id for _, (mark, _) in rows],
        [mark.source for _, (mark, _) in rows],
    )


def mark_of(row: Record) -> Mark:
    """The mark in a row's `occurred_at`, `event_id` and `source`."""
    return Mark(row["occurred_at"], row["event_id"], row["source"])


def _touch(row: Record) -> Touch:
    mark = mark_of(row) if row["occurred_at"] else None
    return Touch(touch_id=row["touch_id"], mark=mark, address_hash=row["address_hash"])


def _report(row: Record) -> Report:
    return Report(
        conversion_id=row["conversion_id"],
        mark=mark_of(row),
        trusted=row["trusted"],
        consented=row["consented"],
        refused=row["refused"],
        visitor_id=row["visitor_id"],
        customer_id=row["customer_id"],
        email_hash=row["email_hash"],
        address_hash=row["address_hash"],
    )
