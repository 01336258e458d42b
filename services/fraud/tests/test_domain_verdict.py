"""Checks, thresholds and reviews, as pure functions."""

import pytest
from fraud.domain.checks import MAX_EVIDENCE, Crowd, Earlier, contributions_of
from fraud.domain.credit import MAX_COUNTED, Participant
from fraud.domain.identity import (
    Bond,
    Flavour,
    Graph,
    Kind,
    Person,
    bonds_of,
    person_of,
)
from fraud.domain.verdict import Decision, Review, Standing, judge
from shared_schemas.states import VerdictState

from .builders import at, hashed
from .values import case, credit, mark, policy

BOB, ANN, MAIL, PHONE = "customer:bob", "customer:ann", "email:m", "visitor:v"


def joins(*nodes: str, minutes: float = 0, flavour: Flavour = Flavour.CONSENTED) -> list[Bond]:
    return bonds_of(nodes, flavour, mark(minutes, f"{flavour}-{minutes}"))


def self_referral(**fraud: object):
    graph = Graph([*joins(BOB, PHONE), *joins(ANN, PHONE)])
    return case(person=person_of(graph, [BOB]), policy=policy(**fraud))


@pytest.mark.parametrize(
    ("given_case", "state", "points"),
    [
        (case(), "cleared", {}),
        (self_referral(), "rejected", {"self_referral": 100}),
        (self_referral(self_referral=False), "cleared", {}),
        (case(credit=credit(look_alike_of="c0")), "held", {"look_alike": 60}),
        (
            case(earlier=(Earlier(customer_id="bo", conversion_id="c0"),)),
            "held",
            {"duplicate_customer": 60},
        ),
        (
            case(
                earlier=(Earlier(customer_id="bo", conversion_id="c0"),),
                policy=policy(duplicate_customer=False),
            ),
            "cleared",
            {},
        ),
        (
            case(crowds=(Crowd(participant_id="ann", address_hash="h", count=21),)),
            "held",
            {"velocity": 60},
        ),
        (
            case(crowds=(Crowd(participant_id="ann", address_hash="h", count=20),)),
            "cleared",
            {"velocity": 0},
        ),
        (
            case(
                crowds=(Crowd(participant_id="ann", address_hash="h", count=99),),
                policy=policy(velocity_limit=None),
            ),
            "cleared",
            {},
        ),
        (
            case(
                crowds=(Crowd(participant_id="ann", address_hash="h", count=9_999),),
                policy=policy(velocity_limit=MAX_COUNTED + 1),
            ),
            "cleared",
            {},
        ),
        (
            case(
                crowds=(Crowd(participant_id="ann", address_hash="h", count=21),),
                credit=credit(look_alike_of="c0"),
            ),
            "rejected",
            {"velocity": 60, "look_alike": 60},
        ),
        (case(credit=credit(look_alike_of="c0"), policy=policy(hold_score=61)), "cleared", None),
        (case(credit=credit(look_alike_of="c0"), policy=policy(reject_score=60)), "rejected", None),
        (case(refused=True), "cleared", {"signals_refused": 0}),
    ],
)
def test_the_verdict_is_the_sum_of_what_counts_against_the_thresholds(
    given_case, state, points
) -> None:
    opinion = judge(given_case, None)
    assert opinion.state == state
    found = {one.name: one.points for one in opinion.contributions}
    assert opinion.score == sum(found.values())
    assert points is None or found == points
    assert opinion.next_step


def test_a_self_referral_says_how_it_is_known() -> None:
    (contribution,) = contributions_of(self_referral())
    assert contribution.why == (
        "The referred person is participant ann: the same customer id, known through their visitor."
    )
    assert contribution.evidence == ("consented-0",)
    assert contribution.inputs["participant_id"] == "ann"


@pytest.mark.parametrize(
    ("participant", "own"),
    [
        (Participant(participant_id="ann", revision=1, customer_id="bob"), (BOB,)),
        (Participant(participant_id="ann", revision=1, email_hash="m"), (BOB, MAIL)),
    ],
)
def test_the_same_id_needs_no_link(participant: Participant, own: tuple[str, ...]) -> None:
    judged = case(participants={"ann": participant}, person=person_of(Graph(()), own))
    assert judge(judged, None).state is VerdictState.REJECTED


def test_evidence_and_explanations_are_bounded() -> None:
    many = tuple(f"c{n}" for n in range(99))
    crowd = Crowd(participant_id="ann", address_hash=hashed("h"), count=21, conversion_ids=many)
    crowds = tuple((f"visitor:{n}", Kind.CUSTOMER) for n in range(99))
    judged = case(crowds=(crowd,), person=Person(own=(BOB,), ways={}, crowds=crowds))
    contributions = contributions_of(judged)
    assert len(contributions[0].evidence) == MAX_EVIDENCE
    assert sum(one.name == "shared_id" for one in contributions) == MAX_EVIDENCE
    assert all(one.points == 0 for one in contributions if one.name == "shared_id")


def word(decision: Decision, *names: str) -> Review:
    return Review(decision=decision, reviewer="rita", reason="seen", names=frozenset(names))


@pytest.mark.parametrize(
    ("review", "judged", "state", "reviewer"),
    [
        (word(Decision.CLEAR, "look_alike"), case(credit=credit(look_alike_of="c")), "cleared", 1),
        (word(Decision.CLEAR), case(credit=credit(look_alike_of="c")), "held", 0),
        (word(Decision.CLEAR, "look_alike"), self_referral(), "rejected", 0),
        (word(Decision.CLEAR, "look_alike"), case(), "cleared", 1),
        (word(Decision.REJECT), case(), "rejected", 1),
        (word(Decision.REJECT), case(credit=credit(look_alike_of="c")), "rejected", 1),
    ],
)
def test_a_clearance_stands_until_something_new_counts(review, judged, state, reviewer) -> None:
    opinion = judge(judged, review)
    assert opinion.state == state
    assert (opinion.reviewer == "rita") is bool(reviewer)
    assert opinion.score == sum(one.points for one in opinion.contributions)
    said = [one.why for one in opinion.contributions if one.name == "review"]
    assert said == ([f"Reviewer rita decided to {review.decision} it: seen"] if reviewer else [])


def test_only_what_counts_makes_a_new_verdict_except_a_new_credit_revision() -> None:
    crowd = Crowd(participant_id="ann", address_hash="h", count=3)
    first, second = judge(case(), None), judge(case(crowds=(crowd,)), None)
    standing = Standing(
        conversion_id="c1", credit_revision=1, verdict_revision=1, substance=first.substance
    )
    assert not standing.differs(1, second)
    assert standing.differs(2, second)
    assert standing.differs(1, judge(self_referral(), None))
    assert standing.differs(1, judge(case(), word(Decision.REJECT)))


def test_a_hold_ends_so_long_after_the_first_report() -> None:
    assert policy().hold_ends_at(credit(first_reported_at=at(5))) == at(65)
