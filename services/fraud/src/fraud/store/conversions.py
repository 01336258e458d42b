"""Credits as attribution decided them, by conversion and by customer."""

import json
from collections.abc import Iterable, Sequence
from fractions import Fraction

from asyncpg import Record
from service_kit.transaction import Transaction

from ..domain.credit import Credit, Share

_SEPARATOR = "\x1f"  # no id holds it
_COLUMNS = """conversion_id, revision, customer_id, occurred_at, first_reported_at,
    look_alike_of, shares::text AS shares"""


async def lock(tx: Transaction, conversion_ids: Iterable[str]) -> dict[str, Credit]:
    """Lock these conversions, also those not heard of, and read those that were decided."""
    wanted = sorted(set(conversion_ids))
    if not wanted:
        return {}
    await tx.execute(
        """
        INSERT INTO conversions AS known (conversion_id)
        SELECT conversion_id
          FROM unnest($1::text[]) AS new (conversion_id)
         ORDER BY conversion_id COLLATE "C"
            ON CONFLICT (conversion_id) DO UPDATE
           SET conversion_id = excluded.conversion_id WHERE false  -- locks the row
        """,
        wanted,
    )
    return await decided(tx, wanted)


async def decided(tx: Transaction, conversion_ids: Iterable[str]) -> dict[str, Credit]:
    """What was decided of these conversions."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS}
          FROM conversions
         WHERE conversion_id = ANY($1::text[]) AND revision > 0
        """,  # noqa: S608 - the columns are ours
        sorted(set(conversion_ids)),
    )
    return {row["conversion_id"]: _credit(row) for row in rows}


async def save(tx: Transaction, rows: Sequence[Credit]) -> None:
    """Keep each credit; the caller holds its lock and has seen that its revision is higher."""
    if not rows:
        return
    await tx.execute(
        """
        UPDATE conversions
           SET revision = new.revision,
               customer_id = new.customer_id,
               occurred_at = new.occurred_at,
               first_reported_at = new.first_reported_at,
               look_alike_of = new.look_alike_of,
               shares = new.shares::jsonb,
               program_ids = array(SELECT DISTINCT share ->> 'program_id'
                                     FROM jsonb_array_elements(new.shares::jsonb) AS share
                                    ORDER BY 1)
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::timestamptz[],
                      $5::timestamptz[], $6::text[], $7::text[])
            AS new (conversion_id, revision, customer_id, occurred_at, first_reported_at,
                    look_alike_of, shares)
         WHERE conversions.conversion_id = new.conversion_id
        """,
        [credit.conversion_id for credit in rows],
        [credit.revision for credit in rows],
        [credit.customer_id for credit in rows],
        [credit.occurred_at for credit in rows],
        [credit.first_reported_at for credit in rows],
        [credit.look_alike_of for credit in rows],
        [_shares_json(credit.shares) for credit in rows],
    )


async def earlier_of(
    tx: Transaction, twins: Iterable[tuple[Credit, str]]
) -> list[tuple[str, str, str]]:
    """For (credit, other customer): that customer's first credited conversion in one of the same
    programs, if canonically earlier: (the credit's conversion, other customer, the earlier one).
    """
    wanted = list(twins)
    if not wanted:
        return []
    rows = await tx.fetch(
        """
        SELECT twin.judged_id, twin.customer_id, first.conversion_id
          FROM unnest($1::text[], $2::text[], $3::timestamptz[])
            AS twin (judged_id, customer_id, occurred_at)
          JOIN conversions AS judged ON judged.conversion_id = twin.judged_id
         CROSS JOIN LATERAL (
               SELECT c.conversion_id
                 FROM conversions AS c
                WHERE c.customer_id = twin.customer_id
                  AND c.program_ids <> '{}'
                  AND c.program_ids && judged.program_ids
                  AND (c.occurred_at, c.conversion_id) < (twin.occurred_at, twin.judged_id)
                ORDER BY c.occurred_at, c.conversion_id
                LIMIT 1) AS first
        """,
        [credit.conversion_id for credit, _ in wanted],
        [customer_id for _, customer_id in wanted],
        [credit.occurred_at for credit, _ in wanted],
    )
    return [(row["judged_id"], row["customer_id"], row["conversion_id"]) for row in rows]


async def later_of(tx: Transaction, twins: Iterable[tuple[Credit, str]]) -> list[tuple[str, str]]:
    """For (credit, other customer): that customer's later credited conversions in one of the same
    programs, each as (the credit's conversion, the later one).

    None if an earlier credit of the same customer speaks against them already.
    """
    wanted = list(twins)
    if not wanted:
        return []
    rows = await tx.fetch(
        """
        SELECT twin.cause, c.conversion_id
          FROM (SELECT cause, own_id, other_id, occurred_at,
                       string_to_array(program_ids, chr(31)) AS program_ids
                  FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[])
                    AS given (cause, own_id, other_id, occurred_at, program_ids)) AS twin
          JOIN conversions AS c
            ON c.customer_id = twin.other_id
           AND c.program_ids <> '{}'
           AND c.program_ids && twin.program_ids
           AND (c.occurred_at, c.conversion_id) > (twin.occurred_at, twin.cause)
         WHERE NOT EXISTS (
               SELECT FROM conversions AS before
                WHERE before.customer_id = twin.own_id
                  AND before.program_ids <> '{}'
                  AND before.program_ids @> twin.program_ids
                  AND (before.occurred_at, before.conversion_id) < (twin.occurred_at, twin.cause))
        """,
        [credit.conversion_id for credit, _ in wanted],
        [credit.customer_id for credit, _ in wanted],
        [other for _, other in wanted],
        [credit.occurred_at for credit, _ in wanted],
        [_SEPARATOR.join(credit.program_ids) for credit, _ in wanted],
    )
    return [(row["cause"], row["conversion_id"]) for row in rows]


def _credit(row: Record) -> Credit:
    return Credit(
        conversion_id=row["conversion_id"],
        revision=row["revision"],
        customer_id=row["customer_id"],
        occurred_at=row["occurred_at"],
        first_reported_at=row["first_reported_at"],
        look_alike_of=row["look_alike_of"],
        shares=tuple(
            Share(
                participant_id=share["participant_id"],
                program_id=share["program_id"],
                program_version=share["program_version"],
                weight=Fraction(share["weight"]),
                touch_ids=tuple(share["touch_ids"]),
            )
            for share in json.loads(row["shares"])
        ),
    )


def _shares_json(shares: Iterable[Share]) -> str:
    return json.dumps(
        [
            {
                "participant_id": share.participant_id,
                "program_id": share.program_id,
                "program_version": share.program_version,
                "weight": str(share.weight),
                "touch_ids": share.touch_ids,
            }
            for share in shares
        ]
    )
