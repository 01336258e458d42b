"""Which decided conversions a changed fact of the control plane may change."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct, field
from service_kit.transaction import Transaction

from ..domain.values import ALWAYS
from .rows import columns

PAGE = 500
FEW = 1_000

# A fact with few touches finds its conversions by them, all at once. One with many, and a policy,
# goes through the conversions still in grace, a page at a time. So neither reads all touches ever.
_TOUCHED = """
WITH x AS MATERIALIZED (
    SELECT r.*, ARRAY(
            SELECT met.identifier
              FROM book AS link
             CROSS JOIN LATERAL (SELECT s.identifier FROM sightings AS s
                                  WHERE s.code = substr(link.key, 6)
                                  LIMIT $6) AS met
             WHERE link.key LIKE 'link/%' AND (link.key = r.key OR link.needs @> ARRAY[r.key])
             LIMIT $6) AS met
      FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[])
           WITH ORDINALITY AS r (key, since, through, after, n)
), told AS MATERIALIZED (
    SELECT x.*, x.key LIKE 'market/%' OR cardinality(x.met) = $6 AS is_paged FROM x
)
SELECT told.n, told.is_paged, found.conversion_id, found.grace_ends_at, found.is_touched
  FROM told
 CROSS JOIN LATERAL (
        SELECT c.conversion_id, c.grace_ends_at, true AS is_touched
          FROM conversions AS c
         WHERE NOT told.is_paged
           AND c.conversion_id = ANY(ARRAY(
                SELECT ci.conversion_id
                  FROM identifiers AS met
                  JOIN identifiers AS same ON same.person_id = met.person_id
                  JOIN conversion_identifiers AS ci ON ci.identifier = same.identifier
                 WHERE met.identifier = ANY(told.met)))
           AND c.grace_ends_at >= told.through AND c.occurred_at >= told.since
         UNION ALL
        SELECT page.conversion_id, page.grace_ends_at,
               page.market_id = substr(told.key, 8) AND told.key LIKE 'market/%'
               OR touch.is_there IS NOT NULL
          FROM (SELECT c.conversion_id, c.grace_ends_at, c.market_id
                  FROM conversions AS c
                 WHERE told.is_paged AND c.occurred_at >= told.since
                   AND (c.grace_ends_at, c.conversion_id) > (told.through, told.after)
                 ORDER BY c.grace_ends_at, c.conversion_id
                 LIMIT $5) AS page
          LEFT JOIN LATERAL (
                SELECT true AS is_there
                  FROM reports AS r
                 CROSS JOIN unnest(r.identifiers) AS named (identifier)
                  JOIN identifiers AS met ON met.identifier = named.identifier
                  JOIN identifiers AS same ON same.person_id = met.person_id
                  JOIN sightings AS s ON s.identifier = same.identifier
                  JOIN book AS link ON link.key = 'link/' || s.code
                 WHERE r.conversion_id = page.conversion_id AND told.key NOT LIKE 'market/%'
                   AND (link.key = told.key OR link.needs @> ARRAY[told.key])
                 LIMIT 1) AS touch ON true
       ) AS found
 ORDER BY told.n, found.grace_ends_at, found.conversion_id
"""


class Revisit(Struct, frozen=True, kw_only=True):
    """A changed fact; it matters to conversions from `since` on.

    It is looked for among those whose grace ends at `through` or later, there only behind `after`.
    """

    key: str
    since: datetime = ALWAYS
    through: datetime
    after: str = ""


class Touched(Struct):
    """The conversions found, and where the next page begins, if there is one."""

    conversion_ids: list[str] = field(default_factory=list)
    next_page: tuple[datetime, str] | None = None


async def conversions_touched_by(tx: Transaction, revisits: Sequence[Revisit]) -> list[Touched]:
    """For each changed fact the conversions still in grace that it may change, or a page of them.

    A policy reaches them by their market; anything else by a code: the link's own, or one of a
    link that refers to the participant or program.
    """
    rows = await tx.fetch(
        _TOUCHED,
        *columns(
            revisits,
            lambda r: r.key,
            lambda r: r.since,
            lambda r: r.through,
            lambda r: r.after,
        ),
        PAGE,
        FEW,
    )
    found = [Touched() for _ in revisits]
    looked_at = [0] * len(revisits)
    for row in rows:
        n = row["n"] - 1
        looked_at[n] += row["is_paged"]
        if row["is_touched"]:
            found[n].conversion_ids.append(row["conversion_id"])
        if looked_at[n] == PAGE:
            found[n].next_page = (row["grace_ends_at"], row["conversion_id"])
    return found
