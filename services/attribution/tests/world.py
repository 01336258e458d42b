"""All facts in memory, decided by the pure domain alone: what the store must agree with."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from attribution.domain.book import Book
from attribution.domain.clicks import absorbed
from attribution.domain.decision import Case, Decision, decide
from attribution.domain.hearing import hear
from attribution.domain.people import clusters, merged
from attribution.domain.reports import Merged, Neighbour, look_alike, merge, refunded
from attribution.domain.tables import book_of, said
from attribution.domain.values import (
    Heard,
    Identifier,
    Join,
    Parting,
    Refusal,
    Report,
    Reversal,
    Sighting,
)
from service_kit.testing import Given


def book(tables: Iterable[Given]) -> Book:
    """The book that table events make."""
    told = {said(given.data, given.envelope.time).entry for given in tables}
    return book_of(sorted(told))


@dataclass
class World:
    """Everything heard so far, in whatever order."""

    book: Book
    sightings: dict[str, Sighting] = field(default_factory=dict)
    joins: dict[str, Join] = field(default_factory=dict)
    partings: dict[str, Parting] = field(default_factory=dict)
    refusals: set[Refusal] = field(default_factory=set)
    reports: dict[tuple[str, str], Report] = field(default_factory=dict)
    reversals: dict[str, Reversal] = field(default_factory=dict)

    def hear(self, given: Given) -> None:
        """Take one event in."""
        envelope = given.envelope
        heard = Heard(envelope.time, envelope.source, envelope.event_id)
        facts = hear(given.data, heard, None)
        self.sightings |= absorbed(self.sightings, facts.sightings)
        for join in facts.joins:
            known = self.joins.get(join.join_id)
            self.joins[join.join_id] = merged(known, join) if known else join
        for parting in facts.partings:
            known_parting = self.partings.get(parting.parting_id, parting)
            self.partings[parting.parting_id] = max(known_parting, parting, key=lambda p: p.at)
        self.refusals.update(facts.refusals)
        self.reports |= {report.heard[1:]: report for report in facts.reports}
        for reversal in facts.reversals:
            known_reversal = self.reversals.get(reversal.reversal_id, reversal)
            first = min(known_reversal, reversal, key=lambda r: r.heard)
            self.reversals[reversal.reversal_id] = first

    def person_of(self) -> dict[Identifier, Identifier]:
        """Who is who."""
        members = {name for join in self.joins.values() for name in join.identifiers}
        members |= {s.identifier for s in self.sightings.values() if s.identifier}
        members |= {name for report in self.reports.values() for name in report.identifiers}
        found = clusters(members, self.joins.values(), list(self.partings.values()))
        assert not found.missing
        return dict(found.person_of)

    def decisions(self) -> dict[str, Decision]:
        """Every conversion, decided."""
        by_conversion: dict[str, list[Report]] = {}
        for report in self.reports.values():
            by_conversion.setdefault(report.conversion_id, []).append(report)
        facts = {conversion_id: merge(told) for conversion_id, told in by_conversion.items()}
        person_of = self.person_of()
        return {
            conversion_id: decide(self._case(told, facts.values(), person_of), self.book)
            for conversion_id, told in facts.items()
        }

    def _case(
        self, told: Merged, others: Iterable[Merged], person_of: dict[Identifier, Identifier]
    ) -> Case:
        persons = {person_of[name] for name in told.identifiers}
        reversals = [r for r in self.reversals.values() if r.conversion_id == told.conversion_id]
        return Case(
            merged=told,
            refunded=refunded(told.amount_minor, told.currency, reversals),
            members={name for name, person in person_of.items() if person in persons},
            sightings=list(self.sightings.values()),
            refusals={refusal.identifier for refusal in self.refusals},
            look_alike_of=look_alike(told, [_neighbour(o) for o in others if _alike(o, told)]),
        )


def _alike(other: Merged, told: Merged) -> bool:
    return other.customer_id == told.customer_id and other is not told


def _neighbour(other: Merged) -> Neighbour:
    return Neighbour(
        conversion_id=other.conversion_id,
        occurred_at=other.occurred_at,
        amount_minor=other.amount_minor,
        currency=other.currency,
        sources=other.sources,
    )


def decided(told: Iterable[Given], tables: Iterable[Given], conversion_id: str) -> Decision:
    """What comes of one conversion."""
    world = World(book(tables))
    for given in told:
        world.hear(given)
    return world.decisions()[conversion_id]


def shares(decision: Decision) -> dict[str, int]:
    """Minor units by participant."""
    found: dict[str, int] = {}
    for part in decision.parts:
        found[part.participant_id] = found.get(part.participant_id, 0) + part.amount_minor
    return found


def refusals(decision: Decision) -> dict[str, str]:
    """Why touches do not count, by code."""
    return {exhibit.touch.code: exhibit.why for exhibit in decision.refused}
