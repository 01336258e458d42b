"""Facts first: each kind is kept under its natural key, and what is new about it is noted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from service_kit.events import Cause
from service_kit.transaction import Transaction
from shared_schemas import ids

from ..domain.clicks import absorbed, counted, counted_alone
from ..domain.hearing import Facts
from ..domain.people import clusters
from ..domain.values import Counted, Form, Identifier, Join, Parting, Sighting, value_of
from ..domain.wording import Occasion
from ..store.joins import (
    joins_of,
    partings_of,
    save_joins,
    save_partings,
    save_refusals,
    save_refused,
)
from ..store.people import People, ensure, save_members
from ..store.reports import save_records, save_reports, save_reversals, save_who_converted
from ..store.sightings import Kept, save_sightings, sightings_by_id
from .changes import Changes
from .counting import count_soon

F = TypeVar("F")


class Told(Struct, frozen=True):
    """What an event says, and the event as a cause."""

    cause: Cause
    facts: Facts


def _each(told: Iterable[Told], pick: Callable[[Facts], Iterable[F]]) -> list[tuple[F, Cause]]:
    return [(fact, one.cause) for one in told for fact in pick(one.facts)]


async def take_identities(
    tx: Transaction, told: Sequence[Told], people: People, changes: Changes
) -> None:
    """Links and partings: who is who."""
    joins = _each(told, lambda f: f.joins)
    partings = _each(told, lambda f: f.partings)
    if not (joins or partings):
        return
    await save_joins(tx, (join for join, _ in joins))
    await save_partings(tx, (parting for parting, _ in partings))
    said: list[tuple[Join | Parting, Cause]] = [*joins, *partings]
    moved = await _regroup(tx, people, {name for one, _ in said for name in one.identifiers})
    changes.people |= moved
    for one, cause in said:
        for name in moved.intersection(one.identifiers):
            changes.note(name, Occasion.IDENTITY, cause)


async def _regroup(tx: Transaction, people: People, names: set[Identifier]) -> set[Identifier]:
    """Work out anew who is who around `names`. Returns everybody whose person has changed."""
    while True:
        members = people.members_of(*names)
        joins = await joins_of(tx, members)
        partings = await partings_of(tx, members)
        found = clusters(members, joins, partings)
        if not found.missing:
            break
        await ensure(tx, people, found.missing)
        names = names | found.missing
    marks = [j for j, marked in joins.items() if marked != (j in found.refused)]
    await save_refused(tx, {join.join_id: join in found.refused for join in marks})
    moves = {n: p for n, p in found.person_of.items() if people.person_of(n) != p}
    await save_members(tx, moves)
    before = people.members_of(*moves)
    people.place(moves)
    return set(before | people.members_of(*moves))


async def take_refusals(tx: Transaction, told: Sequence[Told], changes: Changes) -> None:
    """Refusals of consent."""
    refusals = _each(told, lambda f: f.refusals)
    new = await save_refusals(tx, (refusal for refusal, _ in refusals))
    changes.people |= new
    for refusal, cause in refusals:
        if refusal.identifier in new:
            changes.note(refusal.identifier, Occasion.CONSENT, cause)


async def take_sightings(tx: Transaction, told: Sequence[Told], changes: Changes) -> None:
    """Touches: whoever met the same click first is looked at again with them."""
    new = _each(told, lambda f: f.sightings)
    if not new:
        return
    click_ids = {sighting.click_id for sighting, _ in new if sighting.click_id is not None}
    kept = await sightings_by_id(tx, _ids_of(sighting for sighting, _ in new), click_ids)
    known = {sighting_id: sighting for sighting_id, (sighting, _) in kept.items()}
    changed = absorbed(known, (sighting for sighting, _ in new))
    if not changed:
        return
    places = _places(known | changed, {s.click_id for s in changed.values()})
    rows = _rows(known | changed, places, changed, kept)
    await save_sightings(tx, rows)
    causes = {(cause.source, cause.event_id): cause for _, cause in new}
    _note_touches(changes, known | changed, changed, causes)
    await count_soon(tx, _recounted(rows, kept, changed, causes))


def _ids_of(sightings: Iterable[Sighting]) -> set[str]:
    """Their ids; and the share view that is none, if the click turns out to be its visitor's."""
    found = set()
    for sighting in sightings:
        found.add(sighting.sighting_id)
        if sighting.form is Form.CLICK and sighting.click_id and sighting.identifier:
            found.add(ids.share_view_id(sighting.click_id, value_of(sighting.identifier)))
    return found


def _places(
    sightings: Mapping[str, Sighting], click_ids: set[str | None]
) -> dict[str, Counted | None]:
    """Where the changed clicks' sightings count now, and those without a click."""
    of_click: dict[str, list[Sighting]] = {}
    places: dict[str, Counted | None] = {}
    for sighting in sightings.values():
        if sighting.click_id is None:
            places[sighting.sighting_id] = counted_alone(sighting)
        elif sighting.click_id in click_ids:
            of_click.setdefault(sighting.click_id, []).append(sighting)
    for seen in of_click.values():
        places |= counted(seen)
    return places


def _rows(
    sightings: Mapping[str, Sighting],
    places: Mapping[str, Counted | None],
    changed: Mapping[str, Sighting],
    kept: Mapping[str, Kept],
) -> list[Kept]:
    """The rows to write: new facts, and old ones that count elsewhere now."""
    return [
        (sightings[sighting_id], place)
        for sighting_id, place in places.items()
        if sighting_id in changed or kept[sighting_id][1] != place
    ]


def _note_touches(
    changes: Changes,
    sightings: Mapping[str, Sighting],
    changed: Mapping[str, Sighting],
    causes: Mapping[tuple[str, str], Cause],
) -> None:
    clicks: dict[str, Cause] = {}
    for sighting in changed.values():
        cause = causes[sighting.heard.source, sighting.heard.event_id]
        changes.heard_at = min(changes.heard_at, sighting.heard.at)
        if sighting.click_id is not None:
            clicks[sighting.click_id] = cause
        if sighting.identifier is not None:
            changes.touched.add(sighting.identifier)
            changes.note(sighting.identifier, Occasion.TOUCH, cause)
        if sighting.form in (Form.CODE, Form.LEAD) and sighting.identifier is not None:
            changes.opening.add(sighting.identifier)
    for sighting in sightings.values():
        if sighting.click_id in clicks and sighting.identifier is not None:
            changes.touched.add(sighting.identifier)
            changes.note(sighting.identifier, Occasion.TOUCH, clicks[sighting.click_id])


def _recounted(
    rows: Iterable[Kept],
    kept: Mapping[str, Kept],
    changed: Mapping[str, Sighting],
    causes: Mapping[tuple[str, str], Cause],
) -> dict[tuple[str, Counted], Cause]:
    """The places whose counts are wrong now, with the event that made them so."""
    clicks = {s.click_id: causes[s.heard.source, s.heard.event_id] for s in changed.values()}
    found: dict[tuple[str, Counted], Cause] = {}
    for sighting, place in rows:
        before = kept[sighting.sighting_id][1] if sighting.sighting_id in kept else None
        own = causes.get((sighting.heard.source, sighting.heard.event_id))
        cause = own or clicks[sighting.click_id]
        for counts in (place, before):
            if counts is not None:
                found[sighting.code, counts] = cause
    return found


async def take_conversions(tx: Transaction, told: Sequence[Told], changes: Changes) -> None:
    """Reports, refunds and CRM records."""
    reports = _each(told, lambda f: f.reports)
    new = await save_reports(tx, (report for report, _ in reports))
    changes.reports = [report for report, _ in reports if report.heard in new]
    await save_who_converted(tx, changes.reports)
    for report, cause in reports:
        if report.heard in new:
            changes.convert(report.conversion_id, Occasion.REPORT, cause)
    reversals = _each(told, lambda f: f.reversals)
    taken_back = await save_reversals(tx, (reversal for reversal, _ in reversals))
    for reversal, cause in reversals:
        if reversal.reversal_id in taken_back:
            changes.convert(reversal.conversion_id, Occasion.REFUND, cause)
    records = _each(told, lambda f: f.records)
    advanced = await save_records(tx, (record for record, _ in records))
    changes.records |= advanced
    for record, cause in records:
        if record.identifier in advanced:
            changes.note(record.identifier, Occasion.RECORD, cause)
