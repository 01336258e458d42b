"""Links between identifiers, what parted them again, and refusals of consent."""

from collections.abc import Callable, Iterable, Mapping, Set

from asyncpg import Record as Row
from service_kit.transaction import Transaction

from ..domain.people import merged
from ..domain.values import SEPARATOR, Identifier, Join, Parting, Refusal
from .rows import columns, in_order


async def save_joins(tx: Transaction, joins: Iterable[Join]) -> None:
    """Add links; the same link told again only widens its time."""
    rows: dict[str, Join] = {}
    for join in joins:
        known = rows.get(join.join_id)
        rows[join.join_id] = merged(known, join) if known else join
    if not rows:
        return
    await tx.execute(
        """
        INSERT INTO joins AS known (join_id, trusted, identifiers, customer, email, record, visitor,
                                    first_at, last_at)
        SELECT join_id, trusted, string_to_array(names, chr(31)), customer, email, record, visitor,
               first_at, last_at
          FROM unnest($1::text[], $2::boolean[], $3::text[], $4::text[], $5::text[], $6::text[],
                      $7::text[], $8::timestamptz[], $9::timestamptz[])
            AS j (join_id, trusted, names, customer, email, record, visitor, first_at, last_at)
         ORDER BY join_id
            ON CONFLICT (join_id) DO UPDATE
           SET first_at = least(known.first_at, EXCLUDED.first_at),
               last_at = greatest(known.last_at, EXCLUDED.last_at)
         WHERE known.first_at > EXCLUDED.first_at OR known.last_at < EXCLUDED.last_at
        """,
        *columns(
            rows.values(),
            lambda j: j.join_id,
            lambda j: j.trusted,
            lambda j: SEPARATOR.join(j.identifiers),
            *(_of_kind(kind) for kind in ("customer", "email", "record", "visitor")),
            lambda j: j.first_at,
            lambda j: j.last_at,
        ),
    )


def _of_kind(kind: str) -> Callable[[Join], str | None]:
    prefix = f"{kind}:"
    return lambda join: next((n for n in join.identifiers if n.startswith(prefix)), None)


async def joins_of(tx: Transaction, members: Set[Identifier]) -> dict[Join, bool]:
    """What decides who `members` are, and whether it is marked as refused.

    A publishable link matters to its browser alone, so that a customer whom strangers claim to be
    costs nothing.
    """
    rows = await tx.fetch(
        """
        SELECT trusted, identifiers, first_at, last_at, refused
          FROM joins WHERE visitor = ANY($1::text[])
         UNION
        SELECT trusted, identifiers, first_at, last_at, refused
          FROM joins WHERE trusted AND customer = ANY($1::text[])
         UNION
        SELECT trusted, identifiers, first_at, last_at, refused
          FROM joins WHERE trusted AND email = ANY($1::text[])
         UNION
        SELECT trusted, identifiers, first_at, last_at, refused
          FROM joins WHERE trusted AND record = ANY($1::text[])
        """,
        in_order(members),
    )
    return {_join(row): row["refused"] for row in rows}


def _join(row: Row) -> Join:
    return Join(
        identifiers=tuple(row["identifiers"]),
        trusted=row["trusted"],
        first_at=row["first_at"],
        last_at=row["last_at"],
    )


async def save_refused(tx: Transaction, refused: Mapping[str, bool]) -> None:
    """Mark links that join less than they name, or do so no more."""
    if refused:
        await tx.execute(
            """
            UPDATE joins AS j SET refused = said.refused
              FROM unnest($1::text[], $2::boolean[]) AS said (join_id, refused)
             WHERE j.join_id = said.join_id
            """,
            *columns(sorted(refused.items()), lambda r: r[0], lambda r: r[1]),
        )


async def save_partings(tx: Transaction, partings: Iterable[Parting]) -> None:
    """Remember that identifiers are not one person, the last time each."""
    rows: dict[str, Parting] = {}
    for parting in partings:
        known = rows.get(parting.parting_id)
        rows[parting.parting_id] = max(known, parting, key=lambda p: p.at) if known else parting
    if rows:
        await tx.execute(
            """
            INSERT INTO partings AS known (parting_id, trusted, identifiers, parted_at)
            SELECT parting_id, trusted, string_to_array(names, chr(31)), parted_at
              FROM unnest($1::text[], $2::boolean[], $3::text[], $4::timestamptz[])
                AS p (parting_id, trusted, names, parted_at)
             ORDER BY parting_id
                ON CONFLICT (parting_id) DO UPDATE SET parted_at = EXCLUDED.parted_at
             WHERE known.parted_at < EXCLUDED.parted_at
            """,
            *columns(
                rows.values(),
                lambda p: p.parting_id,
                lambda p: p.trusted,
                lambda p: SEPARATOR.join(p.identifiers),
                lambda p: p.at,
            ),
        )


async def partings_of(tx: Transaction, members: Set[Identifier]) -> list[Parting]:
    """Everything that parts any of `members`."""
    rows = await tx.fetch(
        """
        SELECT trusted, identifiers, parted_at FROM partings WHERE identifiers && $1::text[]
         ORDER BY parted_at, parting_id
        """,
        in_order(members),
    )
    return [
        Parting(identifiers=tuple(row["identifiers"]), trusted=row["trusted"], at=row["parted_at"])
        for row in rows
    ]


async def save_refusals(tx: Transaction, refusals: Iterable[Refusal]) -> set[Identifier]:
    """Remember who refused consent. Returns those who had not before."""
    rows = {refusal.identifier: refusal for refusal in refusals}
    if not rows:
        return set()
    new = await tx.fetch(
        """
        INSERT INTO refusals (identifier, refused_at)
        SELECT identifier, refused_at
          FROM unnest($1::text[], $2::timestamptz[]) AS r (identifier, refused_at)
         ORDER BY identifier
            ON CONFLICT DO NOTHING
        RETURNING identifier
        """,
        *columns(rows.values(), lambda r: r.identifier, lambda r: r.at),
    )
    return {row["identifier"] for row in new}


async def refusals_of(tx: Transaction, members: Set[Identifier]) -> frozenset[Identifier]:
    """Who of `members` refused consent."""
    rows = await tx.fetch(
        "SELECT identifier FROM refusals WHERE identifier = ANY($1::text[])", in_order(members)
    )
    return frozenset(row["identifier"] for row in rows)
