"""What contradicts what was heard before: another currency, verdicts on superseded credits."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from msgspec.structs import replace
from rewards.domain.ledger import LedgerBroken
from rewards.domain.lifecycle import end_hold, hear_credit, hear_verdict
from rewards.domain.outcome import Desk
from rewards.domain.paying import Word
from rewards.domain.revising import _on
from rewards.domain.rules import plan
from rewards.domain.values import Case, Credit, Verdict
from shared_schemas.events.rewards import RewardDeclined, RewardPending
from shared_schemas.states import RewardState, VerdictState

from .builders import NOON, credit, facts, percentage_rule, share, verdict
from .deciding import DAY, LATER, answered, approved, events_of, heard, only, paying, sent, worth

EURO = credit(share())
YEN = credit(share(), revision=2, currency="JPY", amount_minor=12_000)
REJECTED = VerdictState.REJECTED


def _desk() -> Desk:
    return Desk(facts=facts(percentage_rule("1/10")))


def test_another_currency_ends_the_old_hold_whole_and_begins_a_new_one() -> None:
    desk = _desk()
    outcome = hear_credit(heard(EURO, desk=desk), YEN, desk, NOON)
    assert events_of(outcome) == [RewardDeclined, RewardPending]
    assert [
        (t.purpose.value, t.amount_minor, t.source.account_id, t.target.account_id)
        for step in outcome.steps
        for t in step.transfers
    ] == [
        ("release", 1_000, "pending/p1/EUR", "budget/prog/EUR"),
        ("hold", 1_200, "budget/prog/JPY", "pending/p1/JPY"),
    ]
    reward = only(outcome.case)
    assert (reward.text(), reward.pending_minor) == ("1200 JPY", 1_200)
    assert outcome.steps[0].change.reason == "the conversion is in JPY now: 10.00 EUR is void"


def test_a_currency_may_change_forth_and_back() -> None:
    desk = _desk()
    one = heard(EURO, YEN, replace(EURO, revision=3), desk=desk)
    assert (only(one).text(), only(one).pending_minor) == ("10.00 EUR", 1_000)


def test_a_currency_that_changes_while_held_waits_for_its_own_verdict() -> None:
    desk = _desk()
    held = end_hold(heard(EURO, desk=desk), desk, LATER).case
    one = hear_credit(held, YEN, desk, LATER).case
    assert only(one).state is RewardState.HELD
    one = hear_verdict(one, verdict(credit_revision=2), desk, LATER).case
    assert worth(one) == {"p1": (1_200, "approved")}
    assert only(one).available_minor == 1_200


def test_a_reward_that_holds_money_is_never_put_on_terms_of_another_currency() -> None:
    one = heard(EURO, desk=_desk())
    (planned,) = plan("c1", YEN, _desk().facts)
    with pytest.raises(LedgerBroken):
        _on(only(one), planned, replace(one.conversion, credit=YEN))


@pytest.mark.parametrize(
    ("refunds", "left"),
    [
        ([], 1_000),
        ([("JPY", 12_000, 0)], 1_000),
        ([("JPY", 12_000, 3_000)], 750),
        ([("JPY", 12_000, 12_000)], 0),
        ([("JPY", 1_000, 12_000)], 0),
        ([("JPY", 0, 0)], 1_000),
        ([("JPY", 12_000, 3_000), ("EUR", 10_000, 5_000)], 500),
        ([("EUR", 10_000, 2_500), ("JPY", 12_000, 6_000)], 500),
        ([("JPY", 12_000, 6_000), ("JPY", 12_000, 3_000)], 500),
        ([(None, 0, 0)], 1_000),
    ],
)
def test_a_refund_in_another_currency_takes_back_its_part_of_what_was_frozen(
    refunds: list[tuple[str | None, int, int]], left: int
) -> None:
    """The reward stays in the currency of its approval; only ratios cross currencies."""
    one = approved()
    for revision, (currency, amount, refunded) in enumerate(refunds, 2):
        value = replace(
            credit(share(), revision=revision),
            currency=currency,
            amount_minor=amount,
            refunded_minor=refunded,
        )
        outcome = hear_credit(one, value, _desk(), LATER + DAY)
        one = outcome.case
        assert {t.currency for step in outcome.steps for t in step.transfers} <= {"EUR"}
    assert (only(one).amount_minor, only(one).terms.currency) == (left, "EUR")


def test_what_was_refunded_before_approval_is_not_taken_back_twice_in_another_currency() -> None:
    """A quarter was gone when 7.50 EUR were approved: the same quarter in yen changes nothing."""
    desk = _desk()
    half = credit(share(), revision=2, refunded_minor=2_500)
    one = end_hold(heard(half, verdict(credit_revision=2), desk=desk), desk, LATER).case
    assert worth(one) == {"p1": (750, "approved")}
    for revision, refunded, left in ((3, 3_000, 750), (4, 6_000, 500), (5, 12_000, 0)):
        yen = replace(YEN, revision=revision, refunded_minor=refunded)
        one = hear_credit(one, yen, desk, LATER + DAY).case
        assert only(one).amount_minor == left


def _after_payment(values: Sequence[Credit | Verdict]) -> Case:
    one = answered(sent(paying()), Word.SETTLED).case
    desk = Desk(facts=facts())
    for value in values:
        if isinstance(value, Credit):
            one = hear_credit(one, value, desk, LATER + DAY).case
        else:
            one = hear_verdict(one, value, desk, LATER + DAY).case
    return one


@pytest.mark.parametrize(
    ("values", "state"),
    [
        (
            [
                credit(share(), revision=3),
                verdict(REJECTED, credit_revision=2),
                verdict(credit_revision=3),
            ],
            "fulfilled",
        ),
        ([credit(share(), revision=2), verdict(REJECTED, credit_revision=2)], "clawed_back"),
        (
            [
                credit(share(), revision=3),
                verdict(credit_revision=2),
                verdict(REJECTED, credit_revision=3),
            ],
            "clawed_back",
        ),
        ([credit(share(), revision=2), verdict(REJECTED, credit_revision=3)], "fulfilled"),
    ],
)
def test_only_a_verdict_on_the_current_credit_takes_back_whatever_comes_first(
    values: list[Credit | Verdict], state: str
) -> None:
    for order in permutations(values):
        assert only(_after_payment(order)).state.value == state, order
