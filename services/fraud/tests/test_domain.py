"""Identity and what is kept, as pure functions."""

from fractions import Fraction

import pytest
from fraud.domain.credit import Report, Share, Touch, windows_of
from fraud.domain.identity import (
    MAX_NEIGHBOURS,
    Bond,
    Flavour,
    Graph,
    Kind,
    bonds_of,
    changed_nodes,
    own_ids,
    person_of,
    twins_of,
)
from hypothesis import given
from hypothesis import strategies as st

from .values import credit, mark

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
