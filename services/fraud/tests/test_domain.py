"""Identity, checks and verdicts, as pure functions."""

from fractions import Fraction

import pytest
from fraud.domain.checks import MAX_EVIDENCE, Crowd, Earlier, contributions_of
from fraud.domain.credit import MAX_COUNTED, Participant, Report, Share, Touch, windows_of
from fraud.domain.identity import (
    MAX_NEIGHBOURS,
    Bond,
    Flavour,
    Graph,
    Kind,
    Person,
    bonds_of,
    changed_nodes,
    own_ids,
    person_of,
    twins_of,
)
from fraud.domain.verdict import Decision, Review, Standing, judge
from hypothesis import given
from hypothesis import strategies as st
from shared_schemas.states import VerdictState

from .builders import at, case, credit, hashed, mark, policy

BOB, ANN, MAIL, PHONE = "customer:bob", "customer:ann", "email:m", "visitor:v"


def joins(*nodes: str, minutes: float = 0, flavour: Flavour = Flavour.CONSENTED) -> list[Bond]:
    return bonds_of(nodes, flavour, mark(minutes, f"{flavour}-{minutes}"))


def cuts(*nodes: str, minutes: float) -> list[Bond]:
    return joins(*nodes, minutes=minutes, flavour=Flavour.CUT)


# Identity.


@pytest.mark.parametrize(
    ("bonds", "joined"),
    [
        (joins(BOB, MAIL), True),
        ([], False),
        ([*joins(BOB, MAIL), *cuts(BOB, MAIL, minutes=1)], False),
        ([*joins(BOB, MAIL, minutes=2), *cuts(BOB, MAIL, minutes=1)], True),
        ([*joins(BOB, MAIL), *cuts(MAIL, minutes=1)], False),
        ([*joins(BOB, MAIL), *cuts(ANN, MAIL, minutes=1)], True),
        (joins(BOB, MAIL, PHONE), True),
    ],
)
def test_two_ids_are_joined_by_the_latest_fact_about_them(bonds: list[Bond], joined: bool) -> None:
    assert (Graph(bonds).joined(MAIL, BOB) is not None) is joined


def test_a_refusal_drops_only_what_had_no_consent() -> None:
    unasked = joins(BOB, PHONE, flavour=Flavour.UNCONSENTED)
    assert Graph(unasked).joined(BOB, PHONE)
    assert not Graph(unasked, refused=[PHONE]).joined(BOB, PHONE)
    assert Graph([*unasked, *joins(BOB, PHONE)], refused=[PHONE]).joined(BOB, PHONE)


def test_a_person_reaches_two_steps_and_no_further() -> None:
    graph = Graph([*joins(BOB, PHONE), *joins(PHONE, ANN), *joins(ANN, MAIL)])
    assert set(person_of(graph, [BOB]).ways) == {BOB, PHONE, ANN}


def test_an_id_of_a_whole_crowd_joins_nobody_and_says_so() -> None:
    guests = [f"customer:{n}" for n in range(MAX_NEIGHBOURS - 1)]
    counter = [bond for guest in (*guests, BOB) for bond in joins(guest, PHONE)]
    assert person_of(Graph(counter), [BOB]).ways.keys() == {BOB, PHONE, *guests}
    one_more = Graph([*counter, *joins(ANN, PHONE)])
    person = person_of(one_more, [BOB])
    assert person.ways.keys() == {BOB, PHONE}
    assert person.crowds == ((PHONE, Kind.CUSTOMER),)
    assert PHONE in changed_nodes(Graph(counter), one_more)


def test_another_kind_of_id_is_still_followed_where_one_is_crowded() -> None:
    browsers = [bond for n in range(MAX_NEIGHBOURS + 1) for bond in joins(BOB, f"visitor:{n}")]
    graph = Graph([*browsers, *joins(BOB, MAIL), *joins(ANN, MAIL)])
    assert set(person_of(graph, [BOB]).ways) == {BOB, MAIL, ANN}


def test_a_repeated_fact_changes_nobody() -> None:
    before = Graph(joins(BOB, MAIL))
    assert changed_nodes(before, Graph([*before.bonds, *joins(BOB, MAIL, minutes=3)])) == set()
    cut = Graph([*before.bonds, *cuts(BOB, MAIL, minutes=3)])
    assert changed_nodes(before, cut) == {BOB, MAIL}


def test_an_id_that_was_parted_from_the_customer_is_not_the_conversions_own() -> None:
    graph = Graph([*joins(BOB, PHONE), *cuts(BOB, PHONE, minutes=1)])
    assert own_ids(graph, [BOB], [PHONE, MAIL]) == (BOB, MAIL)
    assert own_ids(graph, [], [PHONE]) == (PHONE,)


def test_twins_share_an_address_not_a_visitor() -> None:
    graph = Graph([*joins(BOB, MAIL), *joins("customer:bo", MAIL), *joins(BOB, PHONE, ANN)])
    assert set(twins_of(graph, BOB)) == {"customer:bo"}


NODES = st.sampled_from([BOB, ANN, MAIL, PHONE, "customer:carl", "email:n"])
FACTS = st.lists(
    st.tuples(st.sets(NODES, min_size=1, max_size=3), st.sampled_from(Flavour), st.integers(0, 4)),
    max_size=12,
)


@given(facts=FACTS, data=st.data())
def test_the_order_and_number_of_identity_facts_does_not_matter(facts, data) -> None:
    told = [
        bond
        for n, (nodes, flavour, minutes) in enumerate(facts)
        for bond in bonds_of(nodes, flavour, mark(minutes, f"e{n}"))
    ]
    shuffled = data.draw(st.permutations([*told, *told[:3]]))
    one, other = Graph(told, [PHONE]), Graph(shuffled, [PHONE])
    assert person_of(one, [BOB]) == person_of(other, [BOB])
    assert twins_of(one, BOB) == twins_of(other, BOB)
    assert changed_nodes(one, other) == set()


# What is kept.


def test_the_largest_share_names_the_policy_and_ties_go_to_the_lower_id() -> None:
    def share(participant: str, program: str, weight: Fraction) -> Share:
        return Share(
            participant_id=participant, program_id=program, program_version=2, weight=weight
        )

    half = Fraction(1, 2)
    assert credit(shares=(share("a", "z", half), share("b", "m", half))).policy_id == ("m", 2)
    third = (share("a", "m", Fraction(1, 3)), share("b", "z", Fraction(2, 3)))
    assert credit(shares=third).policy_id == ("z", 2)
    assert credit(shares=()).policy_id is None


def test_a_credit_has_a_window_row_a_participant_and_address() -> None:
    shares = tuple(
        Share(
            participant_id=who,
            program_id="p",
            program_version=1,
            weight=Fraction(1, 2),
            touch_ids=touches,
        )
        for who, touches in (("ann", ("t1", "t2", "t9")), ("amy", ("t3",)))
    )
    touches = {
        "t1": Touch(touch_id="t1", mark=mark(0), address_hash="home"),
        "t2": Touch(touch_id="t2", mark=mark(0), address_hash="home"),
        "t3": Touch(touch_id="t3"),
    }
    report = Report(
        conversion_id="c1",
        mark=mark(0, "r1"),
        trusted=True,
        consented=True,
        refused=False,
        address_hash="shop",
    )
    rows = windows_of(credit(shares=shares), touches, [report])
    assert [(row.participant_id, row.address_hash, row.evidence_id) for row in rows] == [
        ("amy", "shop", "r1"),
        ("ann", "home", "t1"),
        ("ann", "shop", "r1"),
    ]


# Checks and verdicts.


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
