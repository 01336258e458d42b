"""Touches as they were reported. Of each click the first few who met it decide whose it is."""

from collections.abc import Callable, Iterable
from typing import Any

from asyncpg import Record as Row
from service_kit.transaction import Transaction
from shared_schemas.words import TouchKind

from ..domain.values import Counted, Form, Heard, Identifier, Sighting
from .rows import columns, in_order

# The click, and who met it first. Its token may be pasted where thousands see it: no more than
# these are ever read or locked for it.
MET_FIRST = """
SELECT {columns} FROM sightings AS claim
 WHERE claim.click_id = c.click_id
 ORDER BY claim.form <> 'click', claim.seen_at, claim.identifier, claim.sighting_id
 LIMIT 6
"""

_COLUMNS = """sighting_id, form, code, identifier, click_id, seen_at, heard_at, ce_source, ce_id,
    consented, clicked_at, conversion_id, trace_id, counted_as, counted_on"""
_MET = MET_FIRST.format(columns=_COLUMNS)

Kept = tuple[Sighting, Counted | None]
"""A sighting and where it counts."""


async def sightings_by_id(
    tx: Transaction, sighting_ids: Iterable[str], click_ids: Iterable[str]
) -> dict[str, Kept]:
    """Sightings by their ids, and the first of some clicks."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM sightings WHERE sighting_id = ANY($1::text[])
         UNION
        SELECT met.* FROM unnest($2::text[]) AS c (click_id) CROSS JOIN LATERAL ({_MET}) AS met
        """,  # noqa: S608 - our own constants
        in_order(sighting_ids),
        in_order(click_ids),
    )
    return {row["sighting_id"]: (_sighting(row), _counted(row)) for row in rows}


async def sightings_of(
    tx: Transaction, members: Iterable[Identifier], click_ids: Iterable[str]
) -> list[Sighting]:
    """What `members` were seen to do, and the first of the clicks that they met and of others."""
    rows = await tx.fetch(
        f"""
        WITH own AS MATERIALIZED (
            SELECT {_COLUMNS} FROM sightings WHERE identifier = ANY($1::text[])
        ), c AS (
            SELECT click_id FROM own WHERE click_id IS NOT NULL
             UNION
            SELECT unnest($2::text[])
        )
        SELECT {_COLUMNS} FROM own
         UNION
        SELECT met.* FROM c CROSS JOIN LATERAL ({_MET}) AS met
        """,  # noqa: S608
        in_order(members),
        in_order(click_ids),
    )
    return [_sighting(row) for row in rows]


async def save_sightings(tx: Transaction, kept: Iterable[Kept]) -> None:
    """Write sightings as they are now known; their clicks and persons are locked."""
    rows = sorted(kept, key=lambda k: k[0].sighting_id)
    if rows:
        await tx.execute(_SAVE, *columns(rows, *_GETTERS))


_SAVE = f"""
INSERT INTO sightings ({_COLUMNS})
SELECT {_COLUMNS}
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
              $7::timestamptz[], $8::text[], $9::text[], $10::boolean[], $11::timestamptz[],
              $12::text[], $13::text[], $14::text[], $15::date[])
    AS s ({_COLUMNS})
    ON CONFLICT (sighting_id) DO UPDATE
   SET identifier = EXCLUDED.identifier, code = EXCLUDED.code, seen_at = EXCLUDED.seen_at,
       heard_at = EXCLUDED.heard_at, ce_source = EXCLUDED.ce_source, ce_id = EXCLUDED.ce_id,
       consented = EXCLUDED.consented, clicked_at = EXCLUDED.clicked_at,
       trace_id = EXCLUDED.trace_id, counted_as = EXCLUDED.counted_as,
       counted_on = EXCLUDED.counted_on
"""  # noqa: S608

_GETTERS: tuple[Callable[[Kept], Any], ...] = (
    lambda k: k[0].sighting_id,
    lambda k: k[0].form,
    lambda k: k[0].code,
    lambda k: k[0].identifier,
    lambda k: k[0].click_id,
    lambda k: k[0].at,
    lambda k: k[0].heard.at,
    lambda k: k[0].heard.source,
    lambda k: k[0].heard.event_id,
    lambda k: k[0].consented,
    lambda k: k[0].clicked_at,
    lambda k: k[0].conversion_id,
    lambda k: k[0].trace_id,
    lambda k: k[1].kind if k[1] else None,
    lambda k: k[1].day if k[1] else None,
)


def _sighting(row: Row) -> Sighting:
    return Sighting(
        sighting_id=row["sighting_id"],
        form=Form(row["form"]),
        code=row["code"],
        identifier=row["identifier"],
        click_id=row["click_id"],
        at=row["seen_at"],
        heard=Heard(row["heard_at"], row["ce_source"], row["ce_id"]),
        consented=row["consented"],
        clicked_at=row["clicked_at"],
        conversion_id=row["conversion_id"],
        trace_id=row["trace_id"],
    )


def _counted(row: Row) -> Counted | None:
    if row["counted_as"] is None:
        return None
    return Counted(TouchKind(row["counted_as"]), row["counted_on"])
