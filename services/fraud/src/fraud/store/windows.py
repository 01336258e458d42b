"""The rows that velocity counts: one a credited participant, address and conversion."""

from collections.abc import Iterable, Sequence

from asyncpg import Record
from service_kit.transaction import Transaction

from ..domain.checks import MAX_EVIDENCE, Crowd
from ..domain.credit import MAX_COUNTED, Credit, Policy, Window


async def of_conversions(tx: Transaction, conversion_ids: Iterable[str]) -> set[Window]:
    """The window rows of these conversions."""
    rows = await tx.fetch(
        """
        SELECT conversion_id, participant_id, address_hash, occurred_at, first_reported_at,
               evidence_id
          FROM windows
         WHERE conversion_id = ANY($1::text[])
        """,
        sorted(set(conversion_ids)),
    )
    return {Window(**row) for row in rows}


async def save(tx: Transaction, gone: Iterable[Window], new: Iterable[Window]) -> None:
    """Take away and add window rows; a row that moved is in both."""
    old, added = sorted(gone, key=_place), sorted(new, key=_place)
    if not old and not added:
        return
    await tx.execute(
        """
        WITH gone AS (
            DELETE FROM windows
             USING unnest($1::text[], $2::text[], $3::text[])
                AS old (conversion_id, participant_id, address_hash)
             WHERE windows.conversion_id = old.conversion_id
               AND windows.participant_id = old.participant_id
               AND windows.address_hash = old.address_hash
               AND NOT (old.conversion_id, old.participant_id, old.address_hash)
                    IN (SELECT * FROM unnest($4::text[], $5::text[], $6::text[]))
        )
        INSERT INTO windows (conversion_id, participant_id, address_hash, occurred_at,
                             first_reported_at, evidence_id)
        SELECT *
          FROM unnest($4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[],
                      $9::text[])
            ON CONFLICT (conversion_id, participant_id, address_hash) DO UPDATE
           SET occurred_at = excluded.occurred_at,
               first_reported_at = excluded.first_reported_at,
               evidence_id = excluded.evidence_id
        """,
        *_places(old),
        *_places(added),
        [window.occurred_at for window in added],
        [window.first_reported_at for window in added],
        [window.evidence_id for window in added],
    )


async def neighbours(tx: Transaction, moved: Iterable[Window]) -> list[tuple[str, str]]:
    """Whose count these rows may tip: (the moved row's conversion, a later one nearby).

    As many later rows as the highest limit allows are enough: between a row and one that it tips
    there are fewer rows than that one's limit, or that one would be over it without.
    """
    rows = sorted(moved, key=_place)
    if not rows:
        return []
    found = await tx.fetch(
        """
        WITH widest AS (SELECT max(velocity_limit) AS rows,
                               max(velocity_window_seconds) AS seconds
                          FROM program_versions
                         WHERE velocity_limit <= $5)
        SELECT DISTINCT moved.conversion_id AS cause, later.conversion_id
          FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
            AS moved (conversion_id, participant_id, address_hash, occurred_at)
         CROSS JOIN widest
         CROSS JOIN LATERAL (
               SELECT w.conversion_id
                 FROM windows AS w
                WHERE w.participant_id = moved.participant_id
                  AND w.address_hash = moved.address_hash
                  AND (w.occurred_at, w.conversion_id) > (moved.occurred_at, moved.conversion_id)
                  AND w.occurred_at < moved.occurred_at + make_interval(secs => widest.seconds)
                ORDER BY w.occurred_at, w.conversion_id
                LIMIT widest.rows) AS later
         WHERE widest.rows IS NOT NULL
        """,
        *_places(rows),
        [window.occurred_at for window in rows],
        MAX_COUNTED,
    )
    return [(row["cause"], row["conversion_id"]) for row in found]


async def crowds(tx: Transaction, cases: Iterable[tuple[Credit, Policy]]) -> dict[str, list[Crowd]]:
    """Per conversion, participant and address: how many came in its window, itself included.

    A neighbour counts if it is canonically not later and was reported before the hold's end.
    """
    watched = [(credit, policy) for credit, policy in cases if policy.velocity_limit]
    if not watched:
        return {}
    rows = await tx.fetch(
        """
        SELECT w.conversion_id, w.participant_id, w.address_hash,
               near.count, near.conversion_ids[:$5] AS conversion_ids
          FROM unnest($1::text[], $2::integer[], $3::integer[], $4::timestamptz[])
            AS judged (conversion_id, velocity_limit, seconds, hold_ends_at)
          JOIN windows AS w ON w.conversion_id = judged.conversion_id
         CROSS JOIN LATERAL (
               SELECT count(*)::integer AS count, array_agg(row.conversion_id) AS conversion_ids
                 FROM (SELECT o.conversion_id
                         FROM windows AS o
                        WHERE o.participant_id = w.participant_id
                          AND o.address_hash = w.address_hash
                          AND (o.occurred_at, o.conversion_id) <= (w.occurred_at, w.conversion_id)
                          AND (o.occurred_at > w.occurred_at
                                             - make_interval(secs => judged.seconds)
                               OR o.conversion_id = w.conversion_id)
                          AND (o.first_reported_at <= judged.hold_ends_at
                               OR o.conversion_id = w.conversion_id)
                        ORDER BY o.occurred_at DESC, o.conversion_id DESC
                        LIMIT judged.velocity_limit + 1) AS row) AS near
        """,
        [credit.conversion_id for credit, _ in watched],
        [policy.velocity_limit for _, policy in watched],
        [policy.fraud.velocity_window_seconds for _, policy in watched],
        [policy.hold_ends_at(credit) for credit, policy in watched],
        MAX_EVIDENCE,
    )
    found: dict[str, list[Crowd]] = {}
    for row in rows:
        found.setdefault(row["conversion_id"], []).append(_crowd(row))
    return found


def _crowd(row: Record) -> Crowd:
    return Crowd(
        participant_id=row["participant_id"],
        address_hash=row["address_hash"],
        count=row["count"],
        conversion_ids=tuple(row["conversion_ids"]),
    )


def _place(window: Window) -> tuple[str, str, str]:
    return window.conversion_id, window.participant_id, window.address_hash


def _places(rows: Sequence[Window]) -> tuple[list[str], list[str], list[str]]:
    return (
        [window.conversion_id for window in rows],
        [window.participant_id for window in rows],
        [window.address_hash for window in rows],
    )
