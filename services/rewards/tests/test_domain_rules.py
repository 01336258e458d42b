"""Which rewards a credit earns: flat, by percentage, for whom."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rewards.domain.facts import Facts, Period
from rewards.domain.rules import plan
from rewards.domain.values import Credit
from shared_schemas.events.programs import Eligibility
from shared_schemas.money import portion
from shared_schemas.states import ConversionState
from shared_schemas.words import Side, Trigger

from .builders import (
    NOON,
    credit,
    each_rule,
    facts,
    flat_rule,
    percentage_rule,
    share,
)

DAY = timedelta(days=1)


def _amounts(value: Credit, known: Facts) -> dict[str, int]:
    return {
        p.terms.beneficiary_id: p.amount_minor for p in plan("c1", value, known) if not p.refusal
    }


@pytest.mark.parametrize(
    ("weights", "amount", "expected"),
    [
        (["1"], 1_000, {"p1": 1_000}),
        (["1/2", "1/2"], 1_001, {"p1": 501, "p2": 500}),
        (["1/3", "1/3", "1/3"], 1_000, {"p1": 334, "p2": 333, "p3": 333}),
        (["2/3", "1/3"], 0, {"p1": 0, "p2": 0}),
    ],
)
def test_a_flat_reward_is_split_by_weight(
    weights: list[str], amount: int, expected: dict[str, int]
) -> None:
    shares = [share(f"p{n}", weight) for n, weight in enumerate(weights, 1)]
    assert _amounts(credit(*shares), facts(flat_rule(amount))) == expected


def test_a_flat_reward_for_each_is_not_split() -> None:
    value = credit(share("p1", "1/3"), share("p2", "2/3"))
    assert _amounts(value, facts(each_rule(700))) == {"p1": 700, "p2": 700}


def test_a_flat_reward_of_a_shared_conversion_is_the_programs_part_of_it() -> None:
    value = credit(share("p1", "1/4"), share("p2", "3/4", program_id="other"))
    known = facts(flat_rule(1_000), programs=("prog",))
    other = facts(flat_rule(100), programs=("other",))
    both = Facts(known.versions | other.versions, known.participants, known.zones)
    assert _amounts(value, both) == {"p1": 250, "p2": 75}


@pytest.mark.parametrize(
    ("refunded", "expected"), [(0, 1_000), (2_500, 750), (3_333, 667), (10_000, 0)]
)
def test_a_flat_reward_scales_with_what_refunds_leave(refunded: int, expected: int) -> None:
    assert _amounts(credit(share(), refunded_minor=refunded), facts()) == {"p1": expected}


@pytest.mark.parametrize(
    ("amount", "fraction", "expected"),
    [(10_000, "1/10", 1_000), (25, "1/10", 2), (35, "1/10", 4), (1, "1", 1), (0, "1/10", 0)],
)
def test_a_percentage_is_rounded_half_even(amount: int, fraction: str, expected: int) -> None:
    value = credit(share(), amount_minor=amount)
    assert _amounts(value, facts(percentage_rule(fraction))) == {"p1": expected}


@given(
    amount=st.integers(0, 10**12),
    refunded=st.integers(0, 10**12),
    weights=st.lists(st.integers(1, 50), min_size=1, max_size=8),
    fraction=st.fractions(0, 1, max_denominator=1_000),
)
def test_shares_of_a_percentage_sum_exactly_to_the_percentage_of_the_net_amount(
    amount: int, refunded: int, weights: list[int], fraction: Fraction
) -> None:
    refunded = min(refunded, amount)
    total = sum(weights)
    shares = [share(f"p{n}", f"{weight}/{total}") for n, weight in enumerate(weights, 1)]
    value = credit(*shares, amount_minor=amount, refunded_minor=refunded)
    rule = percentage_rule(f"{fraction.numerator}/{fraction.denominator}")
    amounts = _amounts(value, facts(rule))
    assert sum(amounts.values()) == portion(amount - refunded, fraction)
    assert min(amounts.values()) >= 0


@given(
    amount=st.integers(0, 10**9),
    net=st.integers(0, 1_000),
    weights=st.lists(st.integers(1, 50), min_size=1, max_size=8),
)
def test_shares_of_a_flat_reward_sum_exactly_to_it(
    amount: int, net: int, weights: list[int]
) -> None:
    total = sum(weights)
    shares = [share(f"p{n}", f"{weight}/{total}") for n, weight in enumerate(weights, 1)]
    value = credit(*shares, amount_minor=1_000, refunded_minor=1_000 - net)
    amounts = _amounts(value, facts(flat_rule(amount)))
    assert sum(amounts.values()) == portion(amount, Fraction(net, 1_000))


def test_a_conversion_without_money_earns_flat_rewards_until_it_is_reversed() -> None:
    signed_up = {"trigger": Trigger.SIGNED_UP, "currency": None, "amount_minor": 0}
    known = facts(flat_rule(500), percentage_rule())
    assert _amounts(credit(share(), **signed_up), known) == {"p1": 500}
    reversed_ = credit(share(), state=ConversionState.REVERSED, **signed_up)
    assert _amounts(reversed_, known) == {"p1": 0}


def test_other_triggers_earn_nothing() -> None:
    assert plan("c1", credit(share(), trigger=Trigger.RENEWAL), facts()) == ()


def test_the_referee_is_paid_once_by_the_program_with_the_largest_share() -> None:
    known = facts(flat_rule(300, side=Side.REFEREE))
    value = credit(share("p1", "1/4"), share("p2", "3/4", program_id="other"))
    (only,) = plan("c1", value, known)
    assert (only.terms.beneficiary_id, only.terms.program_id) == ("friend", "other")
    assert (only.terms.participant_id, only.amount_minor) == ("p2", 300)
    tie = credit(share("p1", "1/2"), share("p2", "1/2", program_id="other"))
    assert [p.terms.program_id for p in plan("c1", tie, known)] == ["other"]


def test_eligibility_is_judged_by_what_was_true_when_it_occurred() -> None:
    history = (
        Period(NOON - 100 * DAY, "de", "gold", active=True),
        Period(NOON + DAY, "de", "standard", active=True),
        Period(NOON + 2 * DAY, "de", "gold", active=False),
    )
    known = facts(eligibility=Eligibility(tiers=("gold",)), periods={"p1": history})

    def refusal(**more: object) -> str | None:
        (planned,) = plan("c1", credit(share(), **more), known)
        assert (planned.amount_minor == 0) == (planned.refusal is not None)
        return planned.refusal

    assert refusal() is None
    assert refusal(occurred_at=NOON - 200 * DAY) is None
    assert refusal(occurred_at=NOON + DAY) == "tier standard is not among gold"
    assert "not active" in str(refusal(occurred_at=NOON + 3 * DAY))


def test_a_market_may_be_left_out() -> None:
    (planned,) = plan("c1", credit(share()), facts(eligibility=Eligibility(markets=("at",))))
    assert planned.refusal == "market de is not among at"


def test_facts_that_are_missing_are_named() -> None:
    assert Facts().missing(credit(share(version=7))) == ("program_version", "prog/7")
    assert facts().missing(credit(share("nobody"))) == ("participant", "nobody")
    assert facts().missing(credit(share())) is None
    assert facts().missing(credit()) is None
