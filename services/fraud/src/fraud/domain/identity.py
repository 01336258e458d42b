"""Who is the same person: ids joined by facts, looked at no further than two steps."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from itertools import combinations

from msgspec import Struct

MAX_NEIGHBOURS = 20
"""An id joined to more ids of one kind than this is a place, not a person: it joins nobody."""

MAX_STEPS = 2
"""From a customer over an address or visitor to another customer."""

Node = str
"""An id with its kind before it: `customer:42`, `email:<hash>`, `visitor:<id>`."""


class Kind(StrEnum):
    """What an id names."""

    CUSTOMER = "customer"
    EMAIL = "email"
    VISITOR = "visitor"

    def node(self, id_: str) -> Node:
        """The node of an id of this kind."""
        return f"{self}:{id_}"


def kind_of(node: Node) -> Kind:
    """What a node's id names."""
    return Kind(node.partition(":")[0])


def nodes_of(
    *, customer_id: str | None = None, email_hash: str | None = None, visitor_id: str | None = None
) -> tuple[Node, ...]:
    """The nodes of the ids that are there, sorted."""
    ids = ((Kind.CUSTOMER, customer_id), (Kind.EMAIL, email_hash), (Kind.VISITOR, visitor_id))
    return tuple(kind.node(id_) for kind, id_ in ids if id_)


class Mark(Struct, frozen=True, order=True):
    """When a fact occurred and which event told it: facts are ordered by their marks."""

    occurred_at: datetime
    event_id: str
    source: str


class Flavour(StrEnum):
    """What a fact says about two ids."""

    CONSENTED = "consented"
    UNCONSENTED = "unconsented"  # holds until the visitor refuses
    CUT = "cut"


class Bond(Struct, frozen=True, kw_only=True):
    """The latest fact of a flavour about two ids; `left` <= `right`.

    A cut with `left` == `right` parts that id from every other.
    """

    left: Node
    right: Node
    flavour: Flavour
    mark: Mark

    @property
    def key(self) -> tuple[Node, Node, Flavour]:
        """What there is one bond of."""
        return self.left, self.right, self.flavour


def bonds_of(nodes: Iterable[Node], flavour: Flavour, mark: Mark) -> list[Bond]:
    """The bonds that one fact makes: each pair of its ids, or a lone id's cut."""
    ids = sorted(set(nodes))
    pairs = list(combinations(ids, 2))
    if flavour is Flavour.CUT and len(ids) == 1:
        pairs = [(ids[0], ids[0])]
    return [Bond(left=left, right=right, flavour=flavour, mark=mark) for left, right in pairs]


def latest(bonds: Iterable[Bond]) -> dict[tuple[Node, Node, Flavour], Bond]:
    """One bond a key: the canonically latest, whatever the order they are given in."""
    found: dict[tuple[Node, Node, Flavour], Bond] = {}
    for bond in bonds:
        known = found.get(bond.key)
        if known is None or bond.mark > known.mark:
            found[bond.key] = bond
    return found


class Graph:
    """What is known around some ids. It never changes; `joined` and `friends` read it."""

    def __init__(self, bonds: Iterable[Bond], refused: Iterable[Node] = ()) -> None:
        self.refused = frozenset(refused)
        self._bonds = latest(bonds)
        self._others: dict[Node, set[Node]] = {}
        for left, right, _ in self._bonds:
            if left != right:
                self._others.setdefault(left, set()).add(right)
                self._others.setdefault(right, set()).add(left)

    @property
    def bonds(self) -> tuple[Bond, ...]:
        """Everything it was made of, one bond a key."""
        return tuple(self._bonds.values())

    def others(self, node: Node) -> list[Node]:
        """Every id that a fact ever named together with this one, sorted."""
        return sorted(self._others.get(node, ()))

    def joined(self, one: Node, other: Node) -> Mark | None:
        """The fact that makes two ids one person's, None if there is none in force."""
        left, right = min(one, other), max(one, other)
        links = [self._mark(left, right, Flavour.CONSENTED)]
        if not {left, right} & self.refused:
            links.append(self._mark(left, right, Flavour.UNCONSENTED))
        link = max((mark for mark in links if mark), default=None)
        cut = self.cut(left, right)
        return link if link and (cut is None or link > cut) else None

    def cut(self, one: Node, other: Node) -> Mark | None:
        """The latest fact that parts two ids, also if a later one joins them again."""
        left, right = min(one, other), max(one, other)
        pairs = ((left, right), (left, left), (right, right))
        cuts = (self._mark(*pair, Flavour.CUT) for pair in pairs)
        return max((mark for mark in cuts if mark), default=None)

    def crowds(self, node: Node) -> list[Kind]:
        """The kinds of which this id is joined to too many."""
        counts = [kind_of(other) for other in self._others.get(node, ())]
        return [kind for kind in Kind if counts.count(kind) > MAX_NEIGHBOURS]

    def friends(self, node: Node) -> dict[Node, Mark]:
        """The ids joined to this one, by the fact that joins them; none of a crowded kind."""
        crowds = self.crowds(node)
        near = (other for other in self.others(node) if kind_of(other) not in crowds)
        return {other: mark for other in near if (mark := self.joined(node, other))}

    def _mark(self, left: Node, right: Node, flavour: Flavour) -> Mark | None:
        bond = self._bonds.get((left, right, flavour))
        return bond.mark if bond else None


class Way(Struct, frozen=True):
    """How an id is reached: the ids in between, the facts that join them."""

    through: tuple[Node, ...] = ()
    facts: tuple[str, ...] = ()

    def on(self, node: Node, mark: Mark) -> "Way":
        """One step further, from `node` by the fact `mark`."""
        return Way((*self.through, node), (*self.facts, mark.event_id))


class Person(Struct, frozen=True, kw_only=True):
    """The ids that belong to whoever converted, and those that were too crowded to follow."""

    own: tuple[Node, ...]
    ways: Mapping[Node, Way]
    crowds: tuple[tuple[Node, Kind], ...] = ()


def own_ids(graph: Graph, customers: Iterable[Node], others: Iterable[Node]) -> tuple[Node, ...]:
    """The ids a conversion names, without those that a later fact parted from its customer."""
    known = sorted(set(customers))
    kept = [other for other in sorted(set(others)) if not _parted(graph, known, other)]
    return (*known, *kept)


def person_of(graph: Graph, own: Iterable[Node]) -> Person:
    """Everybody within MAX_STEPS of these ids. The first, shortest way to an id is kept."""
    start = tuple(own)
    ways = {node: Way() for node in start}
    frontier = list(start)
    crowds: list[tuple[Node, Kind]] = []
    for _ in range(MAX_STEPS):
        reached: list[Node] = []
        for node in frontier:
            crowds.extend((node, kind) for kind in graph.crowds(node))
            for other, mark in graph.friends(node).items():
                if other not in ways:
                    ways[other] = ways[node].on(node, mark)
                    reached.append(other)
        frontier = reached
    return Person(own=start, ways=ways, crowds=tuple(sorted(crowds)))


def twins_of(graph: Graph, customer: Node) -> dict[Node, Way]:
    """The other customers who share an e-mail address with this one, and how that is known."""
    twins: dict[Node, Way] = {}
    for address, mark in graph.friends(customer).items():
        if kind_of(address) is not Kind.EMAIL:
            continue
        way = Way().on(customer, mark)
        for other, shared in graph.friends(address).items():
            if kind_of(other) is Kind.CUSTOMER and other != customer:
                twins.setdefault(other, way.on(address, shared))
    return twins


def changed_nodes(before: Graph, after: Graph) -> set[Node]:
    """The ids that are joined otherwise than before: whoever is near them is judged again."""
    nodes = {node for bond in (*before.bonds, *after.bonds) for node in (bond.left, bond.right)}
    return {node for node in nodes if set(before.friends(node)) != set(after.friends(node))}


def _parted(graph: Graph, customers: list[Node], other: Node) -> bool:
    return any(
        graph.cut(customer, other) and not graph.joined(customer, other) for customer in customers
    )
