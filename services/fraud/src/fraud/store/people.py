"""Who is joined to whom: bonds between ids, and the rows on which batches meet."""

from collections.abc import Iterable

from service_kit.problems import Transient
from service_kit.transaction import Transaction

from ..domain.identity import MAX_NEIGHBOURS, Bond, Flavour, Graph, Kind, Node, kind_of
from . import facts
from .facts import mark_of

LOCK_ROUNDS = 5
"""How often the neighbours may change while they are being locked."""

_ROWS_A_KIND = (MAX_NEIGHBOURS + 1) * len(Flavour)


class _Grown(Exception):
    """Somebody joined another id while we waited for the locks."""


async def lock_around(tx: Transaction, seeds: Iterable[Node]) -> Graph:
    """Lock these ids and their neighbours, and read what joins them, as of after the locks.

    Raises Transient if neighbours keep being added meanwhile.
    """
    wanted = sorted(set(seeds))
    if not wanted:
        return Graph(())
    for _ in range(LOCK_ROUNDS):
        try:
            async with tx.savepoint():  # a lock may not be added later: it would be out of order
                return await _locked(tx, wanted)
        except _Grown:
            continue
    raise Transient("identities keep changing")


async def graph_within(tx: Transaction, nodes: Iterable[Node]) -> Graph:
    """What joins these ids to others, two steps far."""
    near = await bonds_at(tx, nodes)
    far = await bonds_at(tx, _nodes_of(near) - set(nodes))
    return Graph((*near, *far), await _refused(tx, (*near, *far)))


async def save_bonds(tx: Transaction, bonds: Iterable[Bond]) -> None:
    """Keep the canonically latest bond of each key."""
    rows = sorted(bonds, key=lambda bond: bond.key)
    if not rows:
        return
    await tx.execute(
        """
        INSERT INTO identity_bonds AS known
               (left_node, right_node, flavour, occurred_at, event_id, source)
        SELECT left_node, right_node, flavour, occurred_at, event_id, source
          FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[],
                      $6::text[])
            AS new (left_node, right_node, flavour, occurred_at, event_id, source)
            ON CONFLICT (left_node, right_node, flavour) DO UPDATE
           SET occurred_at = excluded.occurred_at,
               event_id = excluded.event_id,
               source = excluded.source
         WHERE (excluded.occurred_at, excluded.event_id, excluded.source)
             > (known.occurred_at, known.event_id, known.source)
        """,
        [bond.left for bond in rows],
        [bond.right for bond in rows],
        [bond.flavour for bond in rows],
        [bond.mark.occurred_at for bond in rows],
        [bond.mark.event_id for bond in rows],
        [bond.mark.source for bond in rows],
    )


async def conversions_at(tx: Transaction, nodes: Iterable[Node]) -> list[tuple[Node, str]]:
    """The conversions that name one of these ids: (node, conversion)."""
    ids = {kind: _ids(nodes, kind) for kind in Kind}
    if not any(ids.values()):
        return []
    rows = await tx.fetch(
        """
        SELECT 'customer:' || customer_id AS node, conversion_id
          FROM conversions
         WHERE customer_id = ANY($1::text[]) AND program_ids <> '{}'
        UNION
        SELECT 'customer:' || customer_id, conversion_id
          FROM reports
         WHERE customer_id = ANY($1::text[]) AND trusted
        UNION
        SELECT 'email:' || email_hash, conversion_id
          FROM reports
         WHERE email_hash = ANY($2::text[]) AND trusted
        UNION
        SELECT 'visitor:' || visitor_id, conversion_id
          FROM reports
         WHERE visitor_id = ANY($3::text[])
        """,
        ids[Kind.CUSTOMER],
        ids[Kind.EMAIL],
        ids[Kind.VISITOR],
    )
    return [(row["node"], row["conversion_id"]) for row in rows]


async def bonds_at(tx: Transaction, nodes: Iterable[Node]) -> list[Bond]:
    """Per id and kind of other id, the bonds of one more neighbour than may be followed, and the
    cuts that part one of them from everybody."""
    wanted = sorted(set(nodes))
    if not wanted:
        return []
    rows = await tx.fetch(
        """
        WITH near AS (
            SELECT bond.left_node, bond.right_node, bond.flavour,
                   bond.occurred_at, bond.event_id, bond.source
              FROM unnest($1::text[]) AS at (node)
             CROSS JOIN unnest($2::text[]) AS of (kind)
             CROSS JOIN LATERAL (
                   (SELECT left_node, right_node, flavour, occurred_at, event_id, source
                      FROM identity_bonds
                     WHERE left_node = at.node
                       AND right_node >= of.kind || ':' AND right_node < of.kind || ';'
                     ORDER BY right_node, flavour
                     LIMIT $3)
                   UNION
                   (SELECT left_node, right_node, flavour, occurred_at, event_id, source
                      FROM identity_bonds
                     WHERE right_node = at.node
                       AND left_node >= of.kind || ':' AND left_node < of.kind || ';'
                     ORDER BY left_node, flavour
                     LIMIT $3)) AS bond
        )
        SELECT left_node, right_node, flavour, occurred_at, event_id, source
          FROM near
        UNION
        SELECT lone.left_node, lone.right_node, lone.flavour,
               lone.occurred_at, lone.event_id, lone.source
          FROM near
         CROSS JOIN LATERAL (VALUES (near.left_node), (near.right_node)) AS of (node)
          JOIN identity_bonds AS lone ON lone.left_node = of.node AND lone.right_node = of.node
        """,
        wanted,
        [kind.value for kind in Kind],
        _ROWS_A_KIND,
    )
    return [
        Bond(
            left=row["left_node"],
            right=row["right_node"],
            flavour=Flavour(row["flavour"]),
            mark=mark_of(row),
        )
        for row in rows
    ]


async def _locked(tx: Transaction, seeds: list[Node]) -> Graph:
    expected = _nodes_of(await bonds_at(tx, seeds)) | set(seeds)
    await tx.execute(
        """
        INSERT INTO identities AS known (node)
        SELECT node
          FROM unnest($1::text[]) AS new (node)
         ORDER BY node COLLATE "C"
            ON CONFLICT (node) DO UPDATE SET node = excluded.node WHERE false  -- locks the row
        """,
        sorted(expected),
    )
    bonds = await bonds_at(tx, seeds)
    if not _nodes_of(bonds) <= expected:
        raise _Grown
    return Graph(bonds, await _refused(tx, bonds))


async def _refused(tx: Transaction, bonds: Iterable[Bond]) -> set[Node]:
    said = await facts.consents(tx, _ids(_nodes_of(bonds), Kind.VISITOR))
    return {Kind.VISITOR.node(visitor) for visitor, (_, refused) in said.items() if refused}


def _nodes_of(bonds: Iterable[Bond]) -> set[Node]:
    return {node for bond in bonds for node in (bond.left, bond.right)}


def _ids(nodes: Iterable[Node], kind: Kind) -> list[str]:
    return sorted({node.partition(":")[2] for node in nodes if kind_of(node) is kind})
