"""The rules one by one: clicks, weights, currencies, look-alikes, versions, grace."""

from datetime import timedelta
from fractions import Fraction

import pytest
from attribution.domain.decision import Decision
from service_kit.testing import Given
from shared_schemas.states import ConversionState, ReferralStage
from shared_schemas.words import AttributionModel, Trigger, Trust

from . import world
from .builders import DAY, at, click, conversion_id, deal, email, refund, sale, share
from .control_plane import control_plane, policy, program
from .world import World, book, refusals, shares

LINEAR, FIRST, LAST = AttributionModel.LINEAR, AttributionModel.FIRST, AttributionModel.LAST
ORDER = conversion_id("o1")


def decided(told: list[Given], tables: list[Given], reference: str = ORDER) -> Decision:
    return world.decided(told, tables, reference)


def test_a_click_that_was_never_heard_is_rebuilt_from_the_conversions_token() -> None:
    token = ("ann-1", "c1", 0)
    rebuilt = decided([sale("o1", 10, token=token)], control_plane())
    both = decided([click("c1", 0, None), sale("o1", 10, token=token)], control_plane())
    [one], [other] = rebuilt.parts[0].evidence, both.parts[0].evidence
    assert (one.touch.touch_id, one.touch.at) == (other.touch.touch_id, other.touch.at)
    assert one.touch.kind == "click"


def test_anothers_click_makes_the_token_a_share_view() -> None:
    told = [click("c1", 0, "v9"), sale("o1", 10, token=("ann-1", "c1", 0))]
    decision = decided(told, control_plane())
    [exhibit] = decision.parts[0].evidence
    assert exhibit.touch.kind == "share_view"
    assert exhibit.touch.at == at(10)


def test_the_owners_share_view_adds_no_touch() -> None:
    told = [click("c1", 0), share("c1", 1), sale("o1", 10, token=("ann-1", "c1", 0))]
    decision = decided(told, control_plane(LINEAR))
    assert decision.parts[0].evidence_count == 1


def test_without_a_visitor_the_click_is_the_first_ones_who_was_met_with_its_token() -> None:
    told = [click("c1", 0, None), share("c1", 2, "v2"), share("c1", 1, "v1"), sale("o1", 10)]
    [exhibit] = decided(told, control_plane()).parts[0].evidence
    assert exhibit.touch.kind == "click"
    assert exhibit.touch.at == at(0)


def test_linear_weights_are_exact_and_summed_by_participant() -> None:
    told = [click(f"c{n}", n) for n in range(2)] + [click("x", 3, code="bob-1"), sale("o1", 10)]
    decision = decided(told, control_plane(LINEAR))
    weights = {part.participant_id: part.weight for part in decision.parts}
    assert weights == {"ann": Fraction(2, 3), "bob": Fraction(1, 3)}


def test_one_participant_in_two_programs_has_two_shares() -> None:
    told = [click("c1", 0), click("c2", 1, code="ann-2"), sale("o1", 10, 5)]
    decision = decided(told, control_plane(LINEAR))
    assert [(p.program_id, p.amount_minor) for p in decision.parts] == [
        ("autumn", 3),
        ("spring", 2),
    ]


@pytest.mark.parametrize(("currency", "amount"), [("JPY", 1_001), ("KWD", 12_345)])
def test_other_currencies_are_conserved_to_their_last_unit(currency: str, amount: int) -> None:
    told = [
        click("c1", 0),
        click("c2", 1, code="bob-1"),
        click("c3", 2, code="cleo-1"),
        sale("o1", 10, amount, currency=currency),
        refund("o1", 20, 100, currency=currency),
        refund("o1", 21, 7, currency="EUR"),
    ]
    decision = decided(told, control_plane(LINEAR))
    assert sum(shares(decision).values()) == amount - 100
    assert "1 refund(s) in another currency" in decision.why


def test_collapsed_repeats_count_once() -> None:
    told = [click("c1", 0), click("c2", 1), click("c3", 5), click("c4", 6, code="bob-1")]
    tables = control_plane(LINEAR, collapse_repeats_seconds=120)
    decision = decided([*told, sale("o1", 10)], tables)
    assert {p.participant_id: p.evidence_count for p in decision.parts} == {"ann": 2, "bob": 1}
    assert "it repeats the touch before it" in refusals(decision)["ann-1"]


def test_a_conversion_without_an_amount_has_weights_and_no_money() -> None:
    told = [click("c1", 0), sale("zoe", 10, None, trigger=Trigger.SIGNED_UP, customer="zoe")]
    decision = decided(told, control_plane(), conversion_id("zoe", Trigger.SIGNED_UP))
    assert decision.state is ConversionState.CREDITED
    assert (decision.parts[0].weight, decision.parts[0].amount_minor) == (Fraction(1), 0)


def test_evidence_is_cut_at_fifty_and_counted_whole() -> None:
    told = [click(f"c{n}", n / 10) for n in range(60)]
    decision = decided([*told, sale("o1", 10)], control_plane())
    assert (len(decision.refused), decision.refused_count) == (50, 59)
    decision = decided([*told, sale("o1", 10)], control_plane(LINEAR))
    assert (len(decision.parts[0].evidence), decision.parts[0].evidence_count) == (50, 60)


def test_a_won_opportunity_and_the_shops_order_are_one_conversion() -> None:
    told = [
        click("c1", 0),
        sale("o1", 10),
        deal(
            "d7",
            12,
            ReferralStage.WON,
            amount_minor=10_500,
            currency="EUR",
            order_reference=" O1 ",
            email_hash=email("zoe"),
        ),
    ]
    world = World(book(control_plane()))
    for given in told:
        world.hear(given)
    assert {c: shares(d) for c, d in world.decisions().items()} == {ORDER: {"ann": 10_000}}


def test_two_sources_unmapped_look_alikes_name_the_earlier() -> None:
    one = sale("o1", 10, customer="zoe")
    other = sale("invoice-9", 3 * DAY, customer="zoe", source="billing", visitor=None)
    world = World(book(control_plane()))
    for given in (other, one):
        world.hear(given)
    decisions = world.decisions()
    assert decisions[conversion_id("invoice-9")].look_alike_of == ORDER
    assert decisions[ORDER].look_alike_of is None


@pytest.mark.parametrize(
    "other",
    [
        sale("o2", 3 * DAY, customer="zoe"),
        sale("o2", 8 * DAY, customer="zoe", source="billing"),
        sale("o2", 3 * DAY, customer="yan", source="billing", visitor="v2"),
        sale("o2", 3 * DAY, 9_999, customer="zoe", source="billing"),
        sale("o2", 3 * DAY, customer="zoe", source="page", trust=Trust.PUBLISHABLE),
    ],
    ids=["same source", "too late", "another customer", "another amount", "only a page"],
)
def test_what_is_no_look_alike(other: Given) -> None:
    world = World(book(control_plane()))
    for given in (sale("o1", 10, customer="zoe"), other):
        world.hear(given)
    assert all(decision.look_alike_of is None for decision in world.decisions().values())


def test_a_policy_version_rules_from_its_effective_time_if_heard_in_grace() -> None:
    told = [click("c1", 0), click("c2", 5, code="bob-1"), sale("o1", 10)]
    in_grace = policy(FIRST, version=2, effective_at=at(5), heard=at(6 * DAY))
    too_late = policy(FIRST, version=2, effective_at=at(5), heard=at(8 * DAY))
    of_later = policy(FIRST, version=2, effective_at=at(11), heard=at(0))
    for version, expected in ((in_grace, "ann"), (too_late, "bob"), (of_later, "bob")):
        decision = decided(told, [*control_plane(), version])
        assert shares(decision) == {expected: 10_000}


def test_yesterdays_program_version_decides_yesterday() -> None:
    later = program(version=2, effective_at=at(5), heard=at(5))
    before = decided([click("c1", 0), sale("o1", 4)], [*control_plane(), later])
    after = decided([click("c1", 0), sale("o1", 6)], [*control_plane(), later])
    assert [d.parts[0].program_version for d in (before, after)] == [1, 2]


def test_late_touches_are_counted_though_they_change_nothing() -> None:
    told = [click("c1", 0), sale("o1", 10), click("c2", 5, heard=8 * DAY)]
    decision = decided(told, control_plane())
    assert decision.after_grace_count == 1
    assert decision.grace_ends_at == at(10) + timedelta(days=7)
