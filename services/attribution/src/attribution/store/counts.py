"""How many touches a code had on a day: counted anew from the sightings each time."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from msgspec import Struct
from service_kit.transaction import Transaction

from .rows import columns

Bucket = tuple[str, date]
"""A code and a UTC day."""


class Count(Struct, frozen=True, kw_only=True):
    """A bucket's whole count."""

    code: str
    day: date
    revision: int
    clicks: int
    share_views: int
    codes_entered: int
    leads: int


async def counted_through(tx: Transaction, buckets: Iterable[Bucket]) -> dict[Bucket, datetime]:
    """Up to when buckets have been counted; the others never were."""
    rows = await tx.fetch(
        """
        SELECT c.code, c.day, c.counted_through
          FROM unnest($1::text[], $2::date[]) AS b (code, day)
          JOIN counts AS c USING (code, day)
        """,
        *columns(sorted(buckets), lambda b: b[0], lambda b: b[1]),
    )
    return {(row["code"], row["day"]): row["counted_through"] for row in rows}


async def count(tx: Transaction, through: Mapping[Bucket, datetime]) -> list[Count]:
    """Count buckets anew, up to the given times. Returns those whose numbers changed.

    The rows are locked first, so that of two counts the later one sees all that the earlier saw.
    """
    buckets = sorted(through)
    await tx.execute(
        """
        INSERT INTO counts AS known (code, day, counted_through)
        SELECT code, day, counted_through
          FROM unnest($1::text[], $2::date[], $3::timestamptz[]) AS b (code, day, counted_through)
         ORDER BY code, day
            ON CONFLICT (code, day) DO UPDATE
           SET counted_through = greatest(known.counted_through, EXCLUDED.counted_through)
        """,
        *columns(buckets, lambda b: b[0], lambda b: b[1], lambda b: through[b]),
    )
    rows = await tx.fetch(
        """
        UPDATE counts AS known
           SET revision = known.revision + 1, clicks = anew.clicks,
               share_views = anew.share_views, codes_entered = anew.codes_entered,
               leads = anew.leads
          FROM (SELECT b.code, b.day,
                       count(*) FILTER (WHERE s.counted_as = 'click') AS clicks,
                       count(*) FILTER (WHERE s.counted_as = 'share_view') AS share_views,
                       count(*) FILTER (WHERE s.counted_as = 'code') AS codes_entered,
                       count(*) FILTER (WHERE s.counted_as = 'lead') AS leads
                  FROM unnest($1::text[], $2::date[]) AS b (code, day)
                  LEFT JOIN sightings AS s
                    ON s.code = b.code AND s.counted_on = b.day
                 GROUP BY b.code, b.day) AS anew
         WHERE known.code = anew.code AND known.day = anew.day
           AND (known.clicks, known.share_views, known.codes_entered, known.leads)
               <> (anew.clicks, anew.share_views, anew.codes_entered, anew.leads)
        RETURNING known.code, known.day, known.revision, known.clicks, known.share_views,
                  known.codes_entered, known.leads
        """,
        *columns(buckets, lambda b: b[0], lambda b: b[1]),
    )
    return sorted((Count(**row) for row in rows), key=lambda c: (c.code, c.day))
