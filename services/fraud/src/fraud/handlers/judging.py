"""Judge conversions on all facts there are, and publish what is new about them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace
from service_kit.events import Cause
from service_kit.transaction import Transaction
from shared_schemas.events.fraud import (
    CreditCleared,
    CreditHeld,
    CreditJudged,
    CreditRejected,
)
from shared_schemas.states import VerdictState

from ..domain.checks import Case, Earlier, contributions_of
from ..domain.credit import Credit, Report
from ..domain.identity import Graph, Kind, Node, Person, own_ids, person_of, twins_of
from ..domain.verdict import (
    RULES_VERSION,
    Decision,
    Opinion,
    Review,
    Standing,
    judge,
    names_of,
)
from ..store import conversions, facts, people, tables, verdicts, windows
from ..store.verdicts import Given

_EVENTS: Mapping[VerdictState, type[CreditJudged]] = {
    VerdictState.CLEARED: CreditCleared,
    VerdictState.HELD: CreditHeld,
    VerdictState.REJECTED: CreditRejected,
}


class Word(Struct, frozen=True, kw_only=True):
    """What a reviewer says of one conversion, before it is known what they had before them."""

    decision: Decision
    reviewer: str
    reason: str

    def on(self, case: Case) -> Review:
        """The review of a case as it is now."""
        return Review(
            decision=self.decision,
            reviewer=self.reviewer,
            reason=self.reason,
            names=names_of(contributions_of(case)),
        )


async def judge_again(
    tx: Transaction,
    causes: Mapping[str, Cause],
    review_seconds: int,
    words: Mapping[str, Word] | None = None,
) -> list[CreditJudged]:
    """Judge these conversions, as far as they are credited; publish and return what is new.

    `causes` names for each the event that makes it be judged; `words` are reviewers'.
    """
    if not causes:
        return []
    standings = await verdicts.lock(tx, causes)
    if not standings:
        return []
    cases = await cases_of(tx, standings)
    given = []
    for conversion_id, case in sorted(cases.items()):
        word = (words or {}).get(conversion_id)
        standing = standings[conversion_id]
        review = word.on(case) if word else standing.review
        opinion = judge(case, review)
        if standing.differs(case.credit.revision, opinion):
            standing = replace(standing, review=review)
            given.append(_given(case, opinion, standing, causes[conversion_id], review_seconds))
    await verdicts.save_standings(tx, [one.standing for one in given])
    await verdicts.add(tx, given)
    for one in given:
        tx.emit(one.verdict, cause=causes[one.verdict.conversion_id])
    return [one.verdict for one in given]


def _given(
    case: Case, opinion: Opinion, standing: Standing, cause: Cause, review_seconds: int
) -> Given:
    held = opinion.state is VerdictState.HELD
    verdict = _EVENTS[opinion.state](
        conversion_id=case.credit.conversion_id,
        credit_revision=case.credit.revision,
        verdict_revision=standing.verdict_revision + 1,
        state=opinion.state,
        score=opinion.score,
        contributions=opinion.contributions,
        rules_version=RULES_VERSION,
        judged_at=cause.now,
        reviewer=opinion.reviewer,
        review_due_at=cause.now + timedelta(seconds=review_seconds) if held else None,
        next_step=opinion.next_step,
    )
    stands = replace(
        standing,
        credit_revision=verdict.credit_revision,
        verdict_revision=verdict.verdict_revision,
        state=verdict.state,
        substance=opinion.substance,
        judged_at=verdict.judged_at,
    )
    return Given(
        verdict=verdict, standing=stands, policy=case.policy, cause=(cause.source, cause.event_id)
    )


async def cases_of(tx: Transaction, conversion_ids: Iterable[str]) -> dict[str, Case]:
    """What each verdict rests on, read in one statement a table."""
    decided = await conversions.decided(tx, conversion_ids)
    found = {id_: credit for id_, credit in decided.items() if credit.shares}
    if not found:
        return {}
    policies = await tables.policies(tx, {one.policy_id for one in found.values() if one.policy_id})
    judged = {id_: (one, policies[one.policy_id]) for id_, one in found.items() if one.policy_id}
    participants = await tables.participants(
        tx, {id_ for one in found.values() for id_ in one.participant_ids}
    )
    reports = await facts.reports(tx, found)
    graph = await people.graph_within(
        tx, {id_ for one in found.values() for id_ in _named(one, reports)}
    )
    crowds = await windows.crowds(tx, judged.values())
    earlier = await _earlier(tx, found.values(), graph)
    return {
        id_: Case(
            credit=credit,
            policy=policy,
            person=_person(credit, reports.get(id_, ()), graph),
            participants=participants,
            earlier=earlier.get(id_, ()),
            crowds=tuple(crowds.get(id_, ())),
            refused=any(report.refused for report in reports.get(id_, ())),
        )
        for id_, (credit, policy) in judged.items()
    }


async def _earlier(
    tx: Transaction, judged: Iterable[Credit], graph: Graph
) -> dict[str, tuple[Earlier, ...]]:
    twins = {
        (one.conversion_id, node.partition(":")[2]): (one, way)
        for one in judged
        if one.customer_id
        for node, way in twins_of(graph, Kind.CUSTOMER.node(one.customer_id)).items()
    }
    asked = [(credit, customer_id) for (_, customer_id), (credit, _) in twins.items()]
    found: dict[str, tuple[Earlier, ...]] = {}
    for judged_id, customer_id, conversion_id in await conversions.earlier_of(tx, asked):
        _, way = twins[judged_id, customer_id]
        one = Earlier(customer_id=customer_id, conversion_id=conversion_id, facts=way.facts)
        found[judged_id] = (*found.get(judged_id, ()), one)
    return found


def _person(credit: Credit, reports: Sequence[Report], graph: Graph) -> Person:
    others = [node for report in reports for node in report.other_nodes(graph.refused)]
    return person_of(graph, own_ids(graph, _customers(credit, reports), others))


def _named(credit: Credit, reports: Mapping[str, Sequence[Report]]) -> list[Node]:
    own = reports.get(credit.conversion_id, ())
    return [
        *_customers(credit, own),
        *(node for report in own for node in report.other_nodes(refused=())),
    ]


def _customers(credit: Credit, reports: Iterable[Report]) -> list[Node]:
    customers = [node for report in reports for node in report.customer_nodes]
    return [Kind.CUSTOMER.node(credit.customer_id), *customers] if credit.customer_id else customers
