"""Who is one person: trusted links join anybody, publishable ones only browsers to somebody.

Trusted links come first; then each browser without one goes to the known id of its first
publishable link. So a publishable link never joins two known users, whatever the order in which
the links were heard, and a browser's place depends on its own links alone.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime

from msgspec import Struct

from .values import Identifier, Join, Parting, is_known


class Clusters(Struct, frozen=True):
    """Who is who among the given identifiers, and whose ids must be known to say so."""

    person_of: Mapping[Identifier, Identifier]
    refused: frozenset[Join]  # they join less than they name
    missing: frozenset[Identifier]


class _Standing(Struct, frozen=True):
    """What is left of a join after partings, and its place in the order."""

    join: Join
    identifiers: tuple[Identifier, ...]
    at: datetime


def clusters(
    members: Set[Identifier], joins: Iterable[Join], partings: Sequence[Parting]
) -> Clusters:
    """The persons among `members`. Each is named by its smallest identifier.

    `missing` is empty unless a browser belongs to somebody outside of `members`.
    """
    standing = [left for join in joins if (left := _left_of(join, partings)) is not None]
    parent = dict.fromkeys(members, "")
    missing: set[Identifier] = set()
    rooted: set[Identifier] = set()
    for left in standing:
        if left.join.trusted:
            rooted.update(left.identifiers)
            missing.update(name for name in left.identifiers if name not in parent)
            _unite(parent, [name for name in left.identifiers if name in parent])
    for visitor, known in sorted(_attachments(standing, rooted).items()):
        if visitor in parent and known not in parent:
            missing.add(known)
        elif visitor in parent:
            _unite(parent, (visitor, known))
    person_of = {name: _root(parent, name) for name in sorted(members)}
    refused = {
        left.join
        for left in standing
        if not left.join.trusted and len({person_of.get(n, n) for n in left.identifiers}) > 1
    }
    return Clusters(person_of, frozenset(refused), frozenset(missing))


def _left_of(join: Join, partings: Sequence[Parting]) -> _Standing | None:
    """The join without what was parted later; a publishable parting moves no trusted join.

    Of the ids that a parting names the first stays, so that (customer, e-mail, visitor) parted by
    (customer, visitor) leaves customer and e-mail. A parting of one id sets it apart.
    """
    left = list(join.identifiers)
    at = join.first_at
    for parting in partings:
        if parting.at < join.first_at or (join.trusted and not parting.trusted):
            continue
        named = [name for name in left if name in parting.identifiers]
        apart = named if len(parting.identifiers) == 1 else named[1:]
        if apart and parting.at < join.last_at:
            at = join.last_at  # it was said again afterwards
        elif apart:
            left = [name for name in left if name not in apart]
    return _Standing(join, tuple(left), at) if len(left) > 1 else None


def _attachments(
    standing: Iterable[_Standing], rooted: Set[Identifier]
) -> dict[Identifier, Identifier]:
    """Browsers without a trusted link, and the known id of each one's first publishable link."""
    first: dict[Identifier, tuple[datetime, tuple[Identifier, ...], Identifier]] = {}
    for left in standing:
        if left.join.trusted:
            continue
        known = next((name for name in left.identifiers if is_known(name)), None)
        if known is None:
            continue
        for name in left.identifiers:
            if not is_known(name) and name not in rooted:
                claim = (left.at, left.join.identifiers, known)
                first[name] = min(first.get(name, claim), claim)
    return {name: known for name, (_, _, known) in first.items()}


def _unite(parent: dict[Identifier, Identifier], names: Sequence[Identifier]) -> None:
    roots = sorted({_root(parent, name) for name in names})
    for root in roots[1:]:
        parent[root] = roots[0]


def _root(parent: dict[Identifier, Identifier], name: Identifier) -> Identifier:
    while parent[name]:
        name = parent[name]
    return name


def merged(old: Join, new: Join) -> Join:
    """Two tellings of the same join as one."""
    return Join(
        identifiers=old.identifiers,
        trusted=old.trusted,
        first_at=min(old.first_at, new.first_at),
        last_at=max(old.last_at, new.last_at),
    )
