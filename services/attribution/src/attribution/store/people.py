"""Who is one person, under lock: persons and clicks are locked before anything of them is read."""

from collections.abc import Iterable, Mapping, Set

from msgspec import Struct
from service_kit.transaction import Transaction

from ..domain.values import Identifier
from .rows import columns, in_order
from .sightings import MET_FIRST

_INSERT = """
INSERT INTO identifiers (identifier, person_id)
SELECT name, name FROM unnest($1::text[]) AS n (name) ORDER BY name
    ON CONFLICT DO NOTHING
"""

# The persons of some identifiers, of those who met some clicks first, and of some conversions.
_PERSONS = f"""
ARRAY(
    SELECT DISTINCT person_id
      FROM identifiers
     WHERE identifier = ANY(
            $1::text[]
            || ARRAY(SELECT met.identifier
                       FROM unnest($2::text[]) AS c (click_id)
                      CROSS JOIN LATERAL ({MET_FIRST.format(columns="identifier")}) AS met)
            || ARRAY(SELECT unnest(identifiers)
                       FROM reports
                      WHERE conversion_id = ANY($3::text[]))))
"""  # noqa: S608 - our own constants

_LOCK = f"""
SELECT identifier FROM identifiers WHERE identifier = ANY({_PERSONS})
 ORDER BY identifier
   FOR UPDATE
"""  # noqa: S608

_MEMBERS = f"""
SELECT identifier, person_id FROM identifiers WHERE person_id = ANY({_PERSONS})
"""  # noqa: S608


class People:
    """The persons that this transaction holds locked: who is in them."""

    def __init__(self) -> None:
        self.locked: set[Identifier] = set()
        self._person_of: dict[Identifier, Identifier] = {}
        self._members: dict[Identifier, set[Identifier]] = {}

    def __contains__(self, name: Identifier) -> bool:
        return name in self._person_of

    def person_of(self, name: Identifier) -> Identifier:
        """The smallest identifier of the same person."""
        return self._person_of.get(name, name)

    def members_of(self, *names: Identifier) -> frozenset[Identifier]:
        """Everybody who is the same person as one of `names`, they included."""
        found = set(names)
        for name in names:
            found |= self._members.get(self.person_of(name), set())
        return frozenset(found)

    def place(self, places: Mapping[Identifier, Identifier]) -> None:
        """Put identifiers with their persons."""
        for name, person in places.items():
            self._members.get(self._person_of.get(name, ""), set()).discard(name)
            self._person_of[name] = person
            self._members.setdefault(person, set()).add(name)


class Named(Struct, frozen=True):
    """Whom a batch is about."""

    identifiers: Set[Identifier] = frozenset()
    click_ids: Set[str] = frozenset()
    conversion_ids: Set[str] = frozenset()


async def lock(tx: Transaction, people: People, named: Named) -> None:
    """Lock the persons and clicks of `named`, then read who belongs to them.

    Who waited for a lock may find that its person has changed: then that one is locked too.
    """
    own = in_order({*named.identifiers, *(f"click:{click}" for click in named.click_ids)})
    arguments = (own, in_order(named.click_ids), in_order(named.conversion_ids))
    if not any(arguments):
        return
    await tx.execute(_INSERT, own)
    while True:
        held = await tx.fetch(_LOCK, *arguments)
        people.locked |= {row["identifier"] for row in held}
        rows = await tx.fetch(_MEMBERS, *arguments)
        if people.locked.issuperset(row["person_id"] for row in rows):
            people.place({row["identifier"]: row["person_id"] for row in rows})
            return


async def ensure(tx: Transaction, people: People, names: Iterable[Identifier]) -> None:
    """Lock the persons of identifiers that turned up only now; usually there are none."""
    unknown = {name for name in names if name not in people}
    if unknown:
        await lock(tx, people, Named(identifiers=unknown))


async def save_members(tx: Transaction, changed: Mapping[Identifier, Identifier]) -> None:
    """Move identifiers to other persons, which are locked."""
    if changed:
        await tx.execute(
            """
            UPDATE identifiers AS i SET person_id = moved.person_id
              FROM unnest($1::text[], $2::text[]) AS moved (identifier, person_id)
             WHERE i.identifier = moved.identifier
            """,
            *columns(sorted(changed.items()), lambda m: m[0], lambda m: m[1]),
        )
