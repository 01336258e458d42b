"""A batch of events: its facts are saved, then whoever they change is judged again."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from service_kit.events import Cause, Event
from service_kit.transaction import Transaction
from shared_schemas.event import EventData
from shared_schemas.events import attribution as a
from shared_schemas.events import tracking as t

from ..domain.credit import Credit, Report, Touch, windows_of
from ..domain.identity import Graph, Kind, Node, changed_nodes, kind_of, twins_of
from ..store import conversions, facts, people, tables, windows
from .judging import judge_again
from .reading import Heard, credit_of, read

HEARS: tuple[type[EventData], ...] = (
    t.ClickRecorded,
    t.ShareRecorded,
    t.CodeEntered,
    t.LeadSubmitted,
    t.IdentityLinked,
    t.IdentityUnlinked,
    t.ConsentChanged,
    t.ConversionRecorded,
    a.ConversionCredited,
    a.ConversionUnattributed,
)

Causes = dict[str, Cause]
"""Per conversion, the event that makes it be judged again."""


def handler(
    review_seconds: int,
) -> Callable[[Transaction, Sequence[Event[EventData]]], Awaitable[None]]:
    """The handler of a deployment whose reviewers have so long."""

    async def handle(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
        heard = read(events)
        fresh = await _ready(tx, heard)
        affected = await _take_in(tx, heard, fresh)
        await judge_again(tx, affected, review_seconds)

    return handle


async def _ready(tx: Transaction, heard: Heard) -> dict[str, Credit]:
    """The highest revision of each credit whose policy and participants are known."""
    if not heard.decided:
        return {}
    decided = [(credit_of(event.data), event) for event in heard.decided]
    policy_ids = {credit.policy_id for credit, _ in decided if credit.policy_id}
    participant_ids = {id_ for credit, _ in decided for id_ in credit.participant_ids}
    policies = await tables.policies(tx, policy_ids)
    participants = await tables.participants(tx, participant_ids)
    fresh: dict[str, Credit] = {}
    for credit, event in decided:
        unknown = [id_ for id_ in credit.participant_ids if id_ not in participants]
        if credit.policy_id and credit.policy_id not in policies:
            program_id, version = credit.policy_id
            tx.wait_for(event, "program_version", f"{program_id}/{version}")
        elif unknown:
            tx.wait_for(event, "participant", unknown[0])
        elif (known := fresh.get(credit.conversion_id)) is None or credit.revision > known.revision:
            fresh[credit.conversion_id] = credit
            heard.conversion_causes[credit.conversion_id] = event.cause
    return fresh


async def _take_in(tx: Transaction, heard: Heard, fresh: Mapping[str, Credit]) -> Causes:
    """Save what is new. Locks are taken in the store's order; what they guard is read after."""
    affected = await _direct(tx, heard, fresh)
    before = await conversions.lock(tx, affected)
    await facts.save_reports(tx, heard.reports)
    reports = await facts.reports(tx, affected) if affected else {}
    new = {id_: credit for id_, credit in fresh.items() if _is_newer(credit, before.get(id_))}
    after = before | new
    both = (*before.values(), *after.values())
    if both:
        await tables.lock_participants(tx, {id_ for one in both for id_ in one.participant_ids})
    locked = await people.lock_around(tx, _seeds(heard, after, reports))
    graph = await _save_identities(tx, heard, locked)
    for more in (
        await _identity_changes(tx, heard, locked, graph),
        await _window_changes(tx, after, reports, affected),
        await _twin_changes(tx, _moves(before, new), graph, affected),
    ):
        affected = more | affected
    await conversions.save(tx, list(new.values()))
    return affected


def _is_newer(credit: Credit, known: Credit | None) -> bool:
    return known is None or credit.revision > known.revision


async def _direct(tx: Transaction, heard: Heard, fresh: Mapping[str, Credit]) -> Causes:
    """The conversions that the batch names, or whose missing touches it brings."""
    named = {id_: Touch(touch_id=id_) for credit in fresh.values() for id_ in credit.touch_ids}
    changed = await facts.save_touches(tx, (named | heard.touches).values())
    awaiting = await facts.awaiting(tx, changed & heard.touches.keys())
    return {
        conversion_id: heard.touch_causes[touch_id] for touch_id, conversion_id in awaiting
    } | heard.conversion_causes


def _seeds(
    heard: Heard, after: Mapping[str, Credit], reports: Mapping[str, Sequence[Report]]
) -> set[Node]:
    seeds = set(heard.node_causes)
    seeds |= {Kind.CUSTOMER.node(one.customer_id) for one in after.values() if one.customer_id}
    for some in reports.values():
        for report in some:
            seeds.update(report.customer_nodes, report.other_nodes(refused=()))
    return seeds


async def _save_identities(tx: Transaction, heard: Heard, before: Graph) -> Graph:
    """Save bonds and consents; returns what joins these ids now."""
    refused = await _save_consents(tx, heard, before.refused)
    after = Graph((*before.bonds, *heard.bonds), refused)
    await people.save_bonds(tx, set(after.bonds) - set(before.bonds))
    return after


async def _identity_changes(tx: Transaction, heard: Heard, before: Graph, after: Graph) -> Causes:
    """Whoever is near an id that is joined otherwise now is affected."""
    changed = changed_nodes(before, after)
    if not changed:
        return {}
    beyond = await people.bonds_at(tx, changed - heard.node_causes.keys())
    around = Graph((*after.bonds, *beyond))
    causes = {node: cause for node, cause in heard.node_causes.items() if node in changed}
    for node in sorted(changed):
        near = (node, *around.others(node))
        cause = next(heard.node_causes[one] for one in near if one in heard.node_causes)
        for one in near:
            causes.setdefault(one, cause)
    found = await people.conversions_at(tx, causes)
    return {conversion_id: causes[node] for node, conversion_id in sorted(found)}


async def _save_consents(tx: Transaction, heard: Heard, refused: frozenset[Node]) -> set[Node]:
    known = await facts.consents(tx, heard.said)
    later = {
        visitor_id: word
        for visitor_id, word in heard.said.items()
        if visitor_id not in known or word > known[visitor_id]
    }
    await facts.save_consents(tx, later)
    nodes = {Kind.VISITOR.node(visitor_id): denied for visitor_id, (_, denied) in later.items()}
    return set(refused - nodes.keys()) | {node for node, denied in nodes.items() if denied}


async def _window_changes(
    tx: Transaction,
    after: Mapping[str, Credit],
    reports: Mapping[str, Sequence[Report]],
    causes: Causes,
) -> Causes:
    """Save the window rows of these credits; the conversions whose counts they tip are affected."""
    if not after:
        return {}
    touches = await facts.touches(tx, {id_ for one in after.values() for id_ in one.touch_ids})
    await facts.await_touches(tx, _missing(after.values(), touches))
    old = await windows.of_conversions(tx, after)
    new = {
        window
        for id_, credit in after.items()
        for window in windows_of(credit, touches, reports.get(id_, ()))
    }
    await windows.save(tx, old - new, new - old)
    found = await windows.neighbours(tx, old ^ new)
    return {conversion_id: causes[cause] for cause, conversion_id in sorted(found)}


def _missing(after: Iterable[Credit], touches: Mapping[str, Touch]) -> list[tuple[str, str]]:
    return [
        (id_, credit.conversion_id)
        for credit in after
        for id_ in credit.touch_ids
        if id_ not in touches or touches[id_].mark is None
    ]


async def _twin_changes(
    tx: Transaction, moved: Sequence[Credit], graph: Graph, causes: Causes
) -> Causes:
    """Customers who share an e-mail address with one whose credit appeared, moved or went."""
    customers = {Kind.CUSTOMER.node(str(credit.customer_id)) for credit in moved}
    near = {other for customer in customers for other in graph.others(customer)}
    addresses = [other for other in near if kind_of(other) is Kind.EMAIL]
    if not addresses:
        return {}
    around = Graph((*graph.bonds, *await people.bonds_at(tx, addresses)))
    twins = [
        (credit, twin.partition(":")[2])
        for credit in moved
        for twin in twins_of(around, Kind.CUSTOMER.node(str(credit.customer_id)))
    ]
    found = await conversions.later_of(tx, twins)
    return {conversion_id: causes[cause] for cause, conversion_id in sorted(found)}


def _moves(before: Mapping[str, Credit], new: Mapping[str, Credit]) -> list[Credit]:
    """What credits with a customer were and are, where the difference matters to others."""
    return [
        credit
        for id_, after in new.items()
        for credit in _moved(before.get(id_), after)
        if credit.customer_id and credit.shares
    ]


def _moved(before: Credit | None, after: Credit) -> tuple[Credit, ...]:
    if before is None:
        return (after,)
    return () if _place(before) == _place(after) else (before, after)


def _place(credit: Credit) -> tuple[object, ...]:
    return credit.occurred_at, credit.customer_id, credit.program_ids
