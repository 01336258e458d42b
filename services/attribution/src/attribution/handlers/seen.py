"""Sightings in memory, found by who and by click."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set

from msgspec import Struct, field

from ..domain.clicks import journey
from ..domain.values import Identifier, Sighting, Touch


class Seen(Struct, frozen=True):
    """What some persons were seen to do, and others of the same clicks; who refused consent."""

    by_identifier: Mapping[Identifier, Sequence[Sighting]]
    by_click: Mapping[str, Sequence[Sighting]]
    refusals: frozenset[Identifier]
    journeys: dict[frozenset[Identifier], list[Touch]] = field(default_factory=dict)

    @classmethod
    def of(cls, sightings: Iterable[Sighting], refusals: frozenset[Identifier]) -> "Seen":
        """Sort sightings."""
        by_identifier: dict[Identifier, list[Sighting]] = defaultdict(list)
        by_click: dict[str, list[Sighting]] = defaultdict(list)
        for sighting in sightings:
            if sighting.identifier is not None:
                by_identifier[sighting.identifier].append(sighting)
            if sighting.click_id is not None:
                by_click[sighting.click_id].append(sighting)
        return cls(by_identifier, by_click, refusals)

    def by(self, members: Set[Identifier], clicks: Iterable[str]) -> list[Sighting]:
        """What `members` were seen to do, with all of the clicks that they met and of `clicks`."""
        own = [s for name in members for s in self.by_identifier.get(name, ())]
        met = {s.click_id for s in own if s.click_id is not None}.union(clicks)
        found = [s for s in own if s.click_id is None]
        for click_id in met:
            found += self.by_click.get(click_id, ())
        return found

    def journey(self, members: frozenset[Identifier]) -> list[Touch]:
        """The touches of the person who is `members`, whenever they were heard."""
        if members not in self.journeys:
            self.journeys[members] = journey(self.by(members, ()), members)
        return self.journeys[members]
