"""Whatever the new facts touch is decided anew, whole: first conversions, then referrals."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace
from service_kit.transaction import Transaction
from shared_schemas.states import ConversionState

from ..domain.book import Book
from ..domain.decision import Case, Decision, decide
from ..domain.referrals import Gain, Moment, Pair, PersonView, Referral, fold
from ..domain.reports import Merged, Neighbour, look_alike, merge, refunded
from ..domain.values import Heard, Identifier, is_known
from ..domain.wording import referral_words
from ..store.book import load_book
from ..store.conversions import Kept, lock_conversions, neighbours_of
from ..store.joins import refusals_of
from ..store.people import People, ensure
from ..store.referrals import lock_referrals, save_referrals
from ..store.reports import records_of, reports_of, reversals_of
from ..store.sightings import sightings_of
from .announcing import Settled, announce_conversions, announce_referrals
from .changes import Changes
from .seen import Seen

Members = frozenset[Identifier]


async def settle(tx: Transaction, changes: Changes, people: People, book: Book) -> None:
    """Decide all conversions and referrals that `changes` may touch; save and emit what changed."""
    if not changes:
        return
    kept = await lock_conversions(tx, changes.affected(people))
    reports = await reports_of(tx, kept) if kept else {}
    merged = {conversion_id: merge(told) for conversion_id, told in reports.items()}
    await ensure(tx, people, {name for m in merged.values() for name in m.identifiers})
    persons = _persons(changes, people, merged)
    if not persons:
        return
    view = _View(changes, people, *await _look(tx, persons, merged, book))
    settled = await _decide(tx, kept, merged, view)
    open_ids = await _refer(tx, persons, settled, view)
    told = [(one, open_ids.get(people.person_of(one.whose), {})) for one in settled]
    await announce_conversions(tx, told, changes)


class _View(Struct, frozen=True):
    changes: Changes
    people: People
    seen: Seen
    book: Book


def _persons(
    changes: Changes, people: People, merged: Mapping[str, Merged]
) -> dict[Identifier, Members]:
    """Everybody whose journey matters now, by person: browsers that nobody knows do not."""
    names = {name for m in merged.values() for name in m.identifiers}
    names |= changes.people | changes.records | changes.opening
    names |= {name for name in changes.touched if _is_somebody(people.members_of(name))}
    return {people.person_of(name): people.members_of(name) for name in names}


def _is_somebody(members: Members) -> bool:
    return any(is_known(name) for name in members)


async def _look(
    tx: Transaction,
    persons: Mapping[Identifier, Members],
    merged: Mapping[str, Merged],
    book: Book,
) -> tuple[Seen, Book]:
    """Everything that these persons were seen to do, and what is known of the codes in it."""
    members = {name for names in persons.values() for name in names}
    carried = [sighting for m in merged.values() for sighting in m.carried]
    clicks = {sighting.click_id for sighting in carried if sighting.click_id is not None}
    sightings = await sightings_of(tx, members, clicks)
    refusals = await refusals_of(tx, members)
    keys = {f"link/{sighting.code}" for sighting in (*sightings, *carried)}
    keys |= {f"market/{m.market_id}" for m in merged.values()}
    more = await load_book(tx, {key for key in keys if not book.knows(key)})
    return Seen.of(sightings, refusals), book | more


async def _decide(
    tx: Transaction, kept: Mapping[str, Kept], merged: Mapping[str, Merged], view: _View
) -> list[Settled]:
    reversals = await reversals_of(tx, merged) if merged else {}
    neighbours = _with_todays(await neighbours_of(tx, list(merged.values())), merged)
    settled = []
    for conversion_id in sorted(merged):
        facts = merged[conversion_id]
        members = view.people.members_of(*facts.identifiers)
        clicks = {s.click_id for s in facts.carried if s.click_id is not None}
        case = Case(
            merged=facts,
            refunded=refunded(facts.amount_minor, facts.currency, reversals.get(conversion_id, ())),
            members=members,
            sightings=view.seen.by(members, clicks),
            touches=view.seen.journey(members),
            refusals=view.seen.refusals,
            look_alike_of=look_alike(facts, neighbours.get(facts.customer_id or "", ())),
            lapsed=kept[conversion_id].lapsed,
        )
        decision = _lapse(decide(case, view.book), case, view)
        note = view.changes.cause_of((f"conversion:{conversion_id}", *members))
        settled.append(Settled(facts, kept[conversion_id], decision, note))
    return settled


def _lapse(decision: Decision, case: Case, view: _View) -> Decision:
    """The decision, or that nobody confirmed it, if that is what its time came for."""
    due_at = view.changes.lapsing.get(case.merged.conversion_id)
    waits = decision.state is ConversionState.UNCONFIRMED and decision.expires_at is not None
    if due_at is None or not waits or (decision.expires_at or due_at) > due_at:
        return decision
    return decide(replace(case, lapsed=True), view.book)


def _with_todays(
    stored: Mapping[str, list[Neighbour]], merged: Mapping[str, Merged]
) -> dict[str, list[Neighbour]]:
    """Neighbours by customer: rows, except where this transaction knows better."""
    found = {
        customer: [other for other in others if other.conversion_id not in merged]
        for customer, others in stored.items()
    }
    for facts in merged.values():
        if facts.family == "sale" and facts.customer_id is not None:
            found.setdefault(facts.customer_id, []).append(
                Neighbour(
                    conversion_id=facts.conversion_id,
                    occurred_at=facts.occurred_at,
                    amount_minor=facts.amount_minor,
                    currency=facts.currency,
                    sources=facts.sources,
                )
            )
    return found


async def _refer(
    tx: Transaction,
    persons: Mapping[Identifier, Members],
    settled: list[Settled],
    view: _View,
) -> dict[Identifier, dict[Pair, str]]:
    """Fold every person's referrals. Returns the open ones' ids by person and pair."""
    everybody = frozenset(name for names in persons.values() for name in names)
    existing: dict[Identifier, list[Referral]] = {}
    for referral in await lock_referrals(tx, everybody):
        existing.setdefault(view.people.person_of(referral.identifier), []).append(referral)
    records = await records_of(tx, everybody)
    decided = frozenset(one.merged.conversion_id for one in settled)
    gains = _gains(settled, view.people)
    changed: list[Referral] = []
    open_ids: dict[Identifier, dict[Pair, str]] = {}
    for person, members in sorted(persons.items()):
        note = view.changes.cause_of(_keys(members, gains.get(person, {})))
        told = PersonView(
            members=members,
            touches=view.seen.journey(members),
            records=[records[name] for name in members & records.keys()],
            refusals=view.seen.refusals,
            existing=existing.get(person, []),
            gains=gains.get(person, {}),
            decided=decided,
        )
        heard = Heard(note.cause.now, note.cause.source, note.cause.event_id)
        moment = Moment(note.cause.now, referral_words(note.occasion), heard)
        new = fold(told, view.book, moment)
        announce_referrals(tx, told.existing, new, note.cause, view.book)
        changed += new
        latest = {r.referral_id: r for r in (*told.existing, *new)}
        open_ids[person] = {r.pair: r.referral_id for r in latest.values() if r.is_open}
    await save_referrals(tx, changed)
    return open_ids


def _keys(members: Members, gains: Mapping[Pair, list[Gain]]) -> set[str]:
    return set(members) | {f"conversion:{g.conversion_id}" for own in gains.values() for g in own}


def _gains(settled: list[Settled], people: People) -> dict[Identifier, dict[Pair, list[Gain]]]:
    """What the decided conversions credit, by person and pair."""
    found: dict[Identifier, dict[Pair, list[Gain]]] = {}
    for one in settled:
        for part in one.decision.parts:
            gain = Gain(
                one.merged.conversion_id,
                one.whose,
                one.merged.family == "sale",
                part.evidence[0].touch,
                part.market_id,
                part.group,
            )
            pairs = found.setdefault(people.person_of(one.whose), {})
            pairs.setdefault(Pair(part.program_id, part.participant_id), []).append(gain)
    return found
