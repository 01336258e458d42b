"""The life of a reward, from credit to approval, and the ledger's legs."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rewards.domain.ledger import Balance, LedgerBroken, Move, Purpose, accounts_of, enter
from rewards.domain.lifecycle import (
    REJECTED,
    UNDER_REVIEW,
    VERDICT_MISSING,
    end_hold,
    expire,
    hear_credit,
    hear_verdict,
)
from rewards.domain.outcome import Desk, Outcome
from rewards.domain.steps import take
from rewards.domain.values import Credit, Verdict
from shared_schemas.events.programs import Eligibility
from shared_schemas.events.rewards import (
    RewardApproved,
    RewardDeclined,
    RewardExpired,
    RewardHeld,
    RewardPending,
    RewardRevised,
)
from shared_schemas.states import RewardState, VerdictState

from .builders import (
    HELD,
    HOLD,
    NOON,
    case,
    credit,
    facts,
    flat_rule,
    share,
    verdict,
)
from .deciding import DAY, LATER, events_of, heard, held, only, worth


def test_a_credit_earns_a_pending_reward_with_its_arithmetic() -> None:
    outcome = hear_credit(case(), credit(share()), Desk(facts=facts()), NOON)
    (step,) = outcome.steps
    assert step.change.event is RewardPending
    assert [(t.purpose, t.amount_minor) for t in step.transfers] == [(Purpose.HOLD, 1_000)]
    assert (step.change.next_at, outcome.case.conversion.hold_ends_at) == (LATER, LATER)
    assert step.reward.basis == (
        "Rule flat of program prog, version 1, gives the referrer 10.00 EUR for purchase: "
        "10.00 EUR.",
    )


def test_only_a_higher_revision_applies() -> None:
    before = heard(credit(share(), revision=2))
    outcome = hear_credit(before, credit(share("p2"), revision=2), Desk(facts=facts()), NOON)
    assert outcome == Outcome(before)


def test_a_revision_that_changes_nothing_says_nothing() -> None:
    desk = Desk(facts=facts())
    before = heard(credit(share()))
    assert hear_credit(before, credit(share(), revision=2), desk, NOON).steps == ()


def test_a_revised_amount_adjusts_the_hold() -> None:
    outcome = hear_credit(
        heard(credit(share())),
        credit(share(), revision=2, refunded_minor=5_000),
        Desk(facts=facts()),
        NOON,
    )
    (step,) = outcome.steps
    assert (step.change.event, step.reward.amount_minor) == (RewardRevised, 500)
    assert [(t.purpose, t.amount_minor) for t in step.transfers] == [(Purpose.RELEASE, 500)]


def test_a_share_that_moves_declines_one_reward_and_begins_another() -> None:
    desk = Desk(facts=facts())
    outcome = hear_credit(heard(credit(share())), credit(share("p2"), revision=2), desk, NOON)
    by_who = {s.reward.terms.beneficiary_id: s.change.event for s in outcome.steps}
    assert by_who == {"p1": RewardDeclined, "p2": RewardPending}
    back = hear_credit(outcome.case, credit(share(), revision=3), desk, NOON)
    by_who = {s.reward.terms.beneficiary_id: s.change.event for s in back.steps}
    assert by_who == {"p1": RewardPending, "p2": RewardDeclined}


def test_nobody_credited_any_longer_declines_the_reward() -> None:
    outcome = hear_credit(heard(credit(share())), credit(revision=2), Desk(facts=facts()), NOON)
    assert events_of(outcome) == [RewardDeclined]
    assert only(outcome.case).pending_minor == 0


def test_who_is_not_eligible_is_told_so() -> None:
    desk = Desk(facts=facts(eligibility=Eligibility(tiers=("gold",))))
    outcome = hear_credit(case(), credit(share()), desk, NOON)
    assert events_of(outcome) == [RewardDeclined]
    assert only(outcome.case).reason == "tier standard is not among gold"
    assert outcome.case.conversion.hold_ends_at is None


def test_the_hold_is_the_longest_among_the_shares_versions() -> None:
    one = heard(credit(share("p1", "1/2"), share("p2", "1/2", version=2, program_id="other")))
    assert one.conversion.hold_ends_at == NOON + 2 * HOLD
    assert {r.hold_ends_at for r in one.rewards.values()} == {NOON + 2 * HOLD}


def test_before_the_holds_end_a_verdict_changes_only_what_is_known() -> None:
    for state in VerdictState:
        outcome = hear_verdict(heard(credit(share())), verdict(state), Desk(facts=facts()), NOON)
        assert outcome.steps == ()
        assert outcome.case.conversion.verdict == verdict(state)


@pytest.mark.parametrize(
    ("known", "event", "reason"),
    [
        ([verdict()], RewardApproved, "the hold is over and the fraud check cleared it"),
        ([verdict(VerdictState.HELD)], RewardHeld, UNDER_REVIEW),
        ([verdict(VerdictState.REJECTED)], RewardDeclined, REJECTED),
        ([], RewardHeld, VERDICT_MISSING),
        ([verdict(), credit(share(), revision=2)], RewardHeld, VERDICT_MISSING),
        ([verdict(revision=2), verdict(VerdictState.REJECTED)], RewardApproved, None),
        ([verdict(credit_revision=2)], RewardHeld, VERDICT_MISSING),
    ],
)
def test_the_holds_end_decides_by_the_verdict_on_the_current_credit(
    known: list[Credit | Verdict], event: type, reason: str | None
) -> None:
    outcome = end_hold(heard(credit(share()), *known), Desk(facts=facts()), LATER)
    assert events_of(outcome) == [event]
    assert reason is None or only(outcome.case).reason == reason


def test_a_hold_that_has_moved_does_not_end() -> None:
    one = heard(credit(share()))
    assert end_hold(one, Desk(facts=facts()), LATER - DAY) == Outcome(one)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (VerdictState.CLEARED, RewardApproved),
        (VerdictState.REJECTED, RewardDeclined),
        (VerdictState.HELD, RewardHeld),
    ],
)
def test_a_verdict_after_the_hold_acts_at_once(state: VerdictState, event: type) -> None:
    outcome = hear_verdict(held(), verdict(state), Desk(facts=facts()), LATER + DAY)
    assert events_of(outcome) == [event]


def test_a_review_can_overrule_a_rejection() -> None:
    rejected = hear_verdict(held(), verdict(VerdictState.REJECTED), Desk(facts=facts()), LATER).case
    outcome = hear_verdict(rejected, verdict(revision=2), Desk(facts=facts()), LATER)
    assert events_of(outcome) == [RewardPending, RewardApproved]


def test_a_credit_revised_while_held_waits_for_its_own_verdict() -> None:
    outcome = hear_credit(
        held(verdict(VerdictState.HELD)),
        credit(share("p1", "1/2"), share("p2", "1/2"), revision=2),
        Desk(facts=facts()),
        LATER,
    )
    assert sorted(e.__name__ for e in events_of(outcome)) == [
        "RewardHeld",
        "RewardHeld",
        "RewardPending",
        "RewardRevised",
    ]
    assert {r.state for r in outcome.case.rewards.values()} == {RewardState.HELD}


def test_held_rewards_expire_and_stay_expired() -> None:
    one = held()
    assert one.conversion.expires_at == LATER + HELD
    assert expire(one, LATER + DAY) == Outcome(one)
    outcome = expire(one, LATER + HELD)
    assert events_of(outcome) == [RewardExpired]
    late = hear_verdict(outcome.case, verdict(), Desk(facts=facts()), LATER + 2 * HELD)
    assert late.steps == ()


@given(st.permutations(range(6)))
def test_whatever_comes_first_before_the_hold_ends_the_outcome_is_the_same(
    order: list[int],
) -> None:
    values: list[Credit | Verdict] = [
        credit(share("p1", "1/2"), share("p2", "1/2")),
        credit(share("p2"), revision=2),
        credit(share("p2", "1/3"), share("p3", "2/3"), revision=3, refunded_minor=5_000),
        verdict(VerdictState.REJECTED, credit_revision=1),
        verdict(credit_revision=3, revision=2),
        verdict(VerdictState.HELD, credit_revision=3),
    ]
    desk = Desk(facts=facts())
    one = end_hold(heard(*(values[n] for n in order), desk=desk), desk, LATER).case
    assert worth(one) == {"p2": (167, "approved"), "p3": (333, "approved")}


def test_verdict_credit_and_holds_end_give_the_same_in_any_order() -> None:
    """After the hold's end too: the last of the three approves."""
    desk = Desk(facts=facts())
    for order in permutations(("credit", "verdict", "end")):
        now = case()
        for what in (*order, "end"):
            if what == "credit":
                now = hear_credit(now, credit(share()), desk, NOON).case
            elif what == "verdict":
                now = hear_verdict(now, verdict(), desk, NOON).case
            else:
                now = end_hold(now, desk, LATER).case
        assert worth(now) == {"p1": (1_000, "approved")}


def test_every_transfer_has_two_legs_that_sum_to_zero() -> None:
    outcome = hear_credit(case(), credit(share()), Desk(facts=facts()), NOON)
    transfers = outcome.steps[0].transfers
    balances = {key: Balance(-5, 3) for key in accounts_of(transfers)}
    entries, after = enter(transfers, balances)
    assert sum(entry.amount_minor for entry in entries) == 0
    assert {b.version for b in after.values()} == {4}
    assert {b.minor for b in after.values()} == {995, -1_005}


def test_money_that_is_not_there_does_not_move() -> None:
    reward = only(heard(credit(share())))
    change = end_hold(heard(credit(share())), Desk(facts=facts()), LATER).steps[0].change
    with pytest.raises(LedgerBroken):
        take(reward, change, [Move(Purpose.POST, 1_001)])
    with pytest.raises(LedgerBroken):
        take(reward, change, [Move(Purpose.HOLD, -1)])


def test_amounts_follow_from_transfers_in_currencies_of_any_digits() -> None:
    for currency, text in (("JPY", "1000 JPY"), ("KWD", "1.000 KWD")):
        desk = Desk(facts=facts(flat_rule(1_000, currency=currency)))
        reward = only(heard(credit(share()), desk=desk))
        assert reward.text() == text
        assert reward.pending_minor == 1_000
