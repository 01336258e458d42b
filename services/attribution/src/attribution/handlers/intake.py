"""A batch: what is known enough is locked, taken in and settled; the rest waits for its facts."""

from collections.abc import Iterable, Iterator, Sequence

from service_kit.events import Event
from service_kit.transaction import Transaction
from shared_schemas.event import EventData

from ..domain.book import Book
from ..domain.hearing import Facts, hear, needed_facts
from ..domain.values import Heard, Identifier
from ..store.book import hold_book, load_book
from ..store.people import Named, People, lock
from .changes import Changes
from .settling import settle
from .taking import Told, take_conversions, take_identities, take_refusals, take_sightings


async def handle(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
    """Keep what a batch says, then decide anew whatever it touches, once for the whole batch."""
    heard = [Told(event.cause, _facts(event)) for event in events]
    await hold_book(tx)
    book = await load_book(tx, {key for one in heard for key in needed_facts(one.facts)})
    told = []
    for event, one in zip(events, heard, strict=True):
        unknown = next(_unknown(one.facts, book), None)
        if unknown is None:
            told.append(one)
        else:
            kind, _, name = unknown.partition("/")
            tx.wait_for(event, kind, name)
    people, changes = People(), Changes()
    await lock(tx, people, _named(told))
    await take_identities(tx, told, people, changes)
    await take_refusals(tx, told, changes)
    await take_sightings(tx, told, changes)
    await take_conversions(tx, told, changes)
    await settle(tx, changes, people, book)


def _facts(event: Event[EventData]) -> Facts:
    traceparent = event.envelope.traceparent
    trace_id = traceparent[3:35] if traceparent else None
    return hear(event.data, Heard(event.now, event.source, event.id), trace_id)


def _unknown(facts: Facts, book: Book) -> Iterator[str]:
    """What must be heard before these facts can be decided."""
    for key in needed_facts(facts):
        if not book.knows(key):
            yield key
        elif key.startswith("link/"):
            yield from (need for need in book.needs_of(key[5:]) if not book.knows(need))


def _named(told: Iterable[Told]) -> Named:
    """Everybody and everything that these facts are about."""
    names: set[Identifier] = set()
    clicks: set[str] = set()
    conversions: set[str] = set()
    for facts in (one.facts for one in told):
        for sighting in facts.sightings:
            names.update(filter(None, (sighting.identifier,)))
            clicks.update(filter(None, (sighting.click_id,)))
        names.update(name for join in facts.joins for name in join.identifiers)
        names.update(name for parting in facts.partings for name in parting.identifiers)
        names.update(name for report in facts.reports for name in report.identifiers)
        names.update(refusal.identifier for refusal in facts.refusals)
        names.update(record.identifier for record in facts.records)
        conversions.update(report.conversion_id for report in facts.reports)
        conversions.update(reversal.conversion_id for reversal in facts.reversals)
    return Named(names, clicks, conversions)
