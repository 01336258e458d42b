"""What was decided of each conversion, and which ones a fact may change."""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime

from asyncpg import Record as Row
from msgspec import Struct
from service_kit.transaction import Transaction

from ..domain.reports import LOOK_ALIKE_WITHIN, Merged, Neighbour
from ..domain.values import ALWAYS, SEPARATOR, Identifier
from .rows import columns, in_order


class Kept(Struct, frozen=True, kw_only=True):
    """A conversion's row; without a report it stands at revision 0."""

    conversion_id: str
    revision: int
    referee_id: str | None
    lapsed: bool
    decision: str | None  # as JSON


class Decided(Struct, frozen=True, kw_only=True):
    """A conversion's row as it shall be; without a `decision` that of before stays."""

    merged: Merged
    revision: int
    state: str
    referee_id: str | None
    lapsed: bool
    grace_ends_at: datetime
    decision: str | None
    decided_at: datetime | None


class Affected(Struct, frozen=True):
    """Which conversions are to be decided (again).

    `of_touched` are people of whom a touch was heard at `heard_at` or later: it matters only to
    conversions whose grace had not ended. `customers` may have look-alikes around `between`.
    """

    named: Set[str] = frozenset()
    of_changed: Set[Identifier] = frozenset()
    of_touched: Set[Identifier] = frozenset()
    heard_at: datetime = ALWAYS
    customers: Set[str] = frozenset()
    between: tuple[datetime, datetime] = (ALWAYS, ALWAYS)


async def lock_conversions(tx: Transaction, affected: Affected) -> dict[str, Kept]:
    """Lock the affected conversions in the order of their ids; named ones come to be."""
    named = in_order(affected.named)
    if named:
        await tx.execute(
            """
            INSERT INTO conversions (conversion_id) SELECT unnest($1::text[])
                ON CONFLICT DO NOTHING
            """,
            named,
        )
    first, last = affected.between
    rows = await tx.fetch(
        """
        SELECT conversion_id, revision, referee_id, lapsed, decision::text AS decision
          FROM conversions
         WHERE conversion_id = ANY(
                $1::text[]
                || ARRAY(SELECT conversion_id FROM conversion_identifiers
                          WHERE identifier = ANY($2::text[]))
                || ARRAY(SELECT open.conversion_id
                           FROM conversions AS open
                          WHERE open.conversion_id = ANY(ARRAY(
                                SELECT conversion_id FROM conversion_identifiers
                                 WHERE identifier = ANY($3::text[])))
                            AND open.grace_ends_at >= $4)
                || ARRAY(SELECT conversion_id FROM conversions
                          WHERE customer_id = ANY($5::text[]) AND family = 'sale'
                            AND occurred_at BETWEEN $6 AND $7))
         ORDER BY conversion_id
           FOR UPDATE
        """,
        named,
        in_order(affected.of_changed),
        in_order(affected.of_touched),
        affected.heard_at,
        in_order(affected.customers),
        first - LOOK_ALIKE_WITHIN,
        last + LOOK_ALIKE_WITHIN,
    )
    return {row["conversion_id"]: _kept(row) for row in rows}


def _kept(row: Row) -> Kept:
    return Kept(
        conversion_id=row["conversion_id"],
        revision=row["revision"],
        referee_id=row["referee_id"],
        lapsed=row["lapsed"],
        decision=row["decision"],
    )


async def neighbours_of(tx: Transaction, merged: Sequence[Merged]) -> Mapping[str, list[Neighbour]]:
    """Trusted sales of the same customers within a week, by customer id."""
    sales = [m for m in merged if m.family == "sale" and m.customer_id is not None]
    if not sales:
        return {}
    rows = await tx.fetch(
        """
        SELECT conversion_id, customer_id, occurred_at, amount_minor, currency, sources
          FROM conversions
         WHERE customer_id = ANY($1::text[]) AND family = 'sale'
           AND occurred_at BETWEEN $2 AND $3
        """,
        in_order(m.customer_id or "" for m in sales),
        min(m.occurred_at for m in sales) - LOOK_ALIKE_WITHIN,
        max(m.occurred_at for m in sales),
    )
    found: dict[str, list[Neighbour]] = {}
    for row in rows:
        found.setdefault(row["customer_id"], []).append(
            Neighbour(
                conversion_id=row["conversion_id"],
                occurred_at=row["occurred_at"],
                amount_minor=row["amount_minor"],
                currency=row["currency"],
                sources=frozenset(row["sources"]),
            )
        )
    return found


async def save_conversions(tx: Transaction, decided: Iterable[Decided]) -> None:
    """Write what was decided; the rows are locked."""
    rows = sorted(decided, key=lambda d: d.merged.conversion_id)
    if not rows:
        return
    await tx.execute(
        """
        UPDATE conversions AS c
           SET revision = d.revision, state = d.state, family = d.family,
               customer_id = d.customer_id, amount_minor = d.amount_minor, currency = d.currency,
               market_id = d.market_id, occurred_at = d.occurred_at,
               grace_ends_at = d.grace_ends_at, sources = string_to_array(d.sources, chr(31)),
               referee_id = d.referee_id, lapsed = d.lapsed,
               decision = coalesce(d.decision::jsonb, c.decision),
               decided_at = coalesce(d.decided_at, c.decided_at)
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                      $7::text[], $8::text[], $9::timestamptz[], $10::timestamptz[], $11::text[],
                      $12::text[], $13::boolean[], $14::text[], $15::timestamptz[])
            AS d (conversion_id, revision, state, family, customer_id, amount_minor, currency,
                  market_id, occurred_at, grace_ends_at, sources, referee_id, lapsed, decision,
                  decided_at)
         WHERE c.conversion_id = d.conversion_id
        """,
        *columns(
            rows,
            lambda d: d.merged.conversion_id,
            lambda d: d.revision,
            lambda d: d.state,
            lambda d: d.merged.family,
            lambda d: d.merged.customer_id,
            lambda d: d.merged.amount_minor,
            lambda d: d.merged.currency,
            lambda d: d.merged.market_id,
            lambda d: d.merged.occurred_at,
            lambda d: d.grace_ends_at,
            lambda d: SEPARATOR.join(sorted(d.merged.sources)),
            lambda d: d.referee_id,
            lambda d: d.lapsed,
            lambda d: d.decision,
            lambda d: d.decided_at,
        ),
    )
