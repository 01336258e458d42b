"""Payment, refunds and rejections after approval."""

import pytest
from msgspec.structs import replace
from rewards.domain.ledger import Purpose
from rewards.domain.lifecycle import (
    hear_credit,
    hear_verdict,
)
from rewards.domain.outcome import Desk
from rewards.domain.paying import Answer, Word, ask_again_after, fund, unsure, weigh
from shared_schemas.events.rewards import (
    RewardApproved,
    RewardClawedBack,
    RewardFulfilled,
    RewardFulfilling,
    RewardRevised,
)
from shared_schemas.states import PayoutState, RewardState, VerdictState

from .builders import (
    credit,
    facts,
    share,
    verdict,
)
from .deciding import DAY, LATER, answered, approved, events_of, only, paying, refunded, sent


def test_an_approved_reward_is_paid() -> None:
    one = paying()
    reward = only(one)
    assert (reward.state, reward.clearing_minor, reward.available_minor) == (
        RewardState.FULFILLING,
        1_000,
        0,
    )
    outcome = answered(sent(one), Word.SETTLED)
    assert events_of(outcome) == [RewardFulfilled]
    assert (only(outcome.case).paid_minor, outcome.case.payouts) == (1_000, {})


def test_what_is_owed_back_is_netted_first() -> None:
    reward = only(paying(owed=300))
    assert (reward.netted_minor, reward.clearing_minor) == (300, 700)


def test_a_reward_that_is_netted_in_full_is_fulfilled_without_a_payout() -> None:
    one = approved()
    steps = list(fund(only(one), 5_000, LATER))
    assert [s.change.event for s in steps] == [RewardFulfilling, RewardFulfilled]
    assert [p for s in steps for p in s.payouts] == []
    assert steps[-1].reward.netted_minor == 1_000


def test_a_payout_that_fails_leaves_the_reward_approved_with_the_reason() -> None:
    outcome = answered(sent(paying()), Word.FAILED)
    reward = only(outcome.case)
    assert (reward.state, reward.reason) == (RewardState.APPROVED, "the payout failed: no")
    assert (reward.available_minor, reward.clearing_minor) == (1_000, 0)
    (again,) = fund(reward, 0, LATER + DAY)
    assert again.payouts[0].payout_id != outcome.steps[0].payouts[0].payout_id


def test_unknown_stays_unknown_and_is_said_once() -> None:
    (payout,) = paying().payouts.values()
    first = unsure(payout, Answer(word=Word.UNKNOWN, reason="late"), LATER)
    assert first.state is PayoutState.UNKNOWN
    assert unsure(first, Answer(word=Word.UNKNOWN), LATER) is first


@pytest.mark.parametrize(
    ("attempts", "state", "word"),
    [
        (1, PayoutState.REQUESTED, Word.FAILED),
        (2, PayoutState.REQUESTED, Word.UNKNOWN),
        (2, PayoutState.UNKNOWN, Word.UNKNOWN),
    ],
)
def test_a_refusal_is_final_only_while_no_other_attempt_may_have_paid(
    attempts: int, state: PayoutState, word: Word
) -> None:
    (payout,) = paying().payouts.values()
    tried = replace(payout, attempts=attempts, state=state)
    refused = Answer(word=Word.REFUSED, reason="refused with HTTP 422")
    assert weigh(tried, refused) == replace(refused, word=word)
    for own in (Word.SETTLED, Word.FAILED, Word.UNKNOWN):
        assert weigh(tried, Answer(word=own)).word is own


def test_pauses_double_up_to_a_cap() -> None:
    assert [ask_again_after(n, 1, 60).total_seconds() for n in (1, 2, 3, 7, 10_000)] == [
        1,
        2,
        4,
        60,
        60,
    ]


def test_shares_that_move_after_approval_move_no_money() -> None:
    outcome = hear_credit(approved(), credit(share("p2"), revision=2), Desk(facts=facts()), LATER)
    assert outcome.steps == ()


def test_a_refund_before_payment_takes_the_money_back_from_what_is_available() -> None:
    outcome = refunded(approved(), 2_500)
    (step,) = outcome.steps
    assert (step.change.event, step.reward.amount_minor) == (RewardRevised, 750)
    assert [t.purpose for t in step.transfers] == [Purpose.REVERSE]
    whole = refunded(outcome.case, 10_000, revision=3)
    assert events_of(whole) == [RewardClawedBack]
    assert only(whole.case).reversed_minor == 1_000


def test_a_refund_withdraws_a_payout_that_was_not_sent_and_pays_the_rest() -> None:
    (step,) = refunded(paying(), 2_500).steps
    assert step.change.event is RewardRevised
    old, new = step.payouts
    assert (old.state, new.state, new.amount_minor) == (
        PayoutState.FAILED,
        PayoutState.REQUESTED,
        750,
    )
    assert (step.reward.clearing_minor, step.reward.payout_id) == (750, new.payout_id)
    whole = refunded(paying(), 10_000)
    assert events_of(whole) == [RewardClawedBack]
    assert whole.case.payouts == {}


def test_a_refund_after_payment_becomes_a_receivable() -> None:
    paid = answered(sent(paying()), Word.SETTLED).case
    outcome = refunded(paid, 10_000)
    (step,) = outcome.steps
    assert (step.change.event, step.reward.state) == (RewardClawedBack, RewardState.CLAWED_BACK)
    assert [t.purpose for t in step.transfers] == [Purpose.CLAW_BACK]
    assert (step.reward.paid_minor, step.reward.reversed_minor) == (1_000, 1_000)


@pytest.mark.parametrize(
    ("minor", "word", "events", "purposes"),
    [
        (10_000, Word.SETTLED, [RewardFulfilled, RewardClawedBack], ["settle", "claw_back"]),
        (10_000, Word.FAILED, [RewardClawedBack], ["return", "reverse"]),
        (5_000, Word.SETTLED, [RewardFulfilled, RewardRevised], ["settle", "claw_back"]),
        (5_000, Word.FAILED, [RewardApproved], ["return", "reverse"]),
    ],
)
def test_a_refund_while_the_payout_is_on_its_way_waits_for_its_fate(
    minor: int, word: Word, events: list[type], purposes: list[str]
) -> None:
    outcome = refunded(sent(paying()), minor)
    assert events_of(outcome) == [RewardRevised]
    assert outcome.steps[0].transfers == ()
    after = answered(outcome.case, word)
    assert events_of(after) == events
    assert [t.purpose.value for s in after.steps for t in s.transfers] == purposes


def test_a_rejection_after_payment_claws_back_whole() -> None:
    paid = answered(sent(paying()), Word.SETTLED).case
    rejected = verdict(VerdictState.REJECTED, revision=2)
    outcome = hear_verdict(paid, rejected, Desk(facts=facts()), LATER + DAY)
    assert events_of(outcome) == [RewardClawedBack]


def test_cumulative_refunds_leave_the_same_however_they_come() -> None:
    for steps in ((2_500, 5_000, 7_500), (7_500,), (5_000, 7_500)):
        one = approved()
        for revision, minor in enumerate(steps, 2):
            one = refunded(one, minor, revision).case
        assert only(one).amount_minor == 250
