"""The service on a real database: events in, rewards, ledger and events out."""

from collections import Counter
from datetime import timedelta

import pytest
from rewards.payments import execute_due, open_rails
from rewards.settings import RewardsSettings
from service_kit.testing import Given, Harness
from shared_schemas.events.rewards import (
    PayoutRequested,
    RewardApproved,
    RewardChanged,
    RewardClawedBack,
    RewardDeclined,
    RewardExpired,
    RewardFulfilling,
    RewardHeld,
    RewardPending,
    RewardRevised,
)
from shared_schemas.states import RewardState, VerdictState

from .builders import HELD, HOLD, NOON, cap, flat_rule, percentage_rule, share
from .published import credited, judged, market, participant, program, unattributed, world

pytestmark = pytest.mark.real
LATER = NOON + HOLD
Rewards = Harness[RewardsSettings]


def _types(harness: Rewards) -> list[type]:
    return [type(event.data) for event in harness.emitted()]


async def _state(harness: Rewards) -> dict[str, tuple[int, str]]:
    rows = await harness.fetch("SELECT beneficiary_id, amount_minor, state FROM rewards")
    return {row["beneficiary_id"]: (row["amount_minor"], row["state"]) for row in rows}


async def _balances(harness: Rewards) -> dict[str, int]:
    rows = await harness.fetch("SELECT account_id, balance_minor FROM accounts")
    return {row["account_id"]: row["balance_minor"] for row in rows if row["balance_minor"]}


async def test_from_credit_to_the_intent_to_pay(harness: Rewards) -> None:
    await harness.hear_table(*world())
    await harness.deliver(credited())
    assert _types(harness) == [RewardPending]
    assert await _balances(harness) == {"budget/prog/EUR": -1_000, "pending/p1/EUR": 1_000}
    await harness.deliver(judged())
    assert _types(harness) == []
    await harness.fire_due(LATER)
    assert _types(harness) == [RewardApproved, RewardFulfilling, PayoutRequested]
    approved = harness.emitted(RewardApproved)[0]
    assert approved.now == LATER
    assert "velocity +10" in approved.data.explanation[1]
    assert await _balances(harness) == {
        "budget/prog/EUR": -1_000,
        "clearing/account_credit/EUR": 1_000,
    }


async def test_a_credit_waits_for_what_it_cannot_be_decided_without(harness: Rewards) -> None:
    await harness.deliver(credited(), judged())
    assert await harness.waiting() == [("program_version", "prog/1")]
    await harness.hear_table(program())
    assert await harness.waiting() == [("participant", "p1")]
    await harness.hear_table(participant("p1"))
    assert await harness.waiting() == [("market", "de")]
    await harness.hear_table(market())
    assert _types(harness) == [RewardPending]
    assert await harness.waiting() == []


async def test_a_waiting_credit_that_is_outdated_is_dropped(harness: Rewards) -> None:
    await harness.hear_table(program(), market(), participant("p2"))
    await harness.deliver(credited())
    await harness.deliver(credited(share("p2"), revision=2))
    await harness.hear_table(participant("p1"))
    assert await _state(harness) == {"p2": (1_000, "pending")}


async def test_without_a_verdict_the_reward_is_held_and_then_expires(harness: Rewards) -> None:
    await harness.hear_table(*world())
    await harness.deliver(credited())
    await harness.fire_due(LATER)
    (held,) = harness.emitted(RewardHeld)
    assert (held.data.reason, held.data.next_at) == ("verdict_missing", LATER + HELD)
    await harness.fire_due(LATER + HELD)
    assert _types(harness) == [RewardExpired]
    assert await _balances(harness) == {}
    await harness.deliver(judged(at=LATER + 2 * HELD))
    assert _types(harness) == []


async def test_a_verdict_while_held_resolves_it_at_once(harness: Rewards) -> None:
    await harness.hear_table(*world(caps=(cap(400),)))
    await harness.deliver(credited())
    await harness.fire_due(LATER)
    await harness.deliver(judged(at=LATER + timedelta(days=1)))
    assert _types(harness) == [RewardApproved, RewardFulfilling, PayoutRequested]
    assert harness.emitted(RewardApproved)[0].data.amount_minor == 400


async def test_a_rejection_declines(harness: Rewards) -> None:
    await harness.hear_table(*world())
    await harness.deliver(judged(VerdictState.REJECTED), credited())
    await harness.fire_due(LATER)
    assert _types(harness) == [RewardDeclined]
    assert await _balances(harness) == {}


async def test_a_currency_that_changes_moves_no_money_of_the_other(harness: Rewards) -> None:
    await harness.hear_table(*world(percentage_rule("1/10")))
    yen = {"currency": "JPY", "amount_minor": 12_000}
    later = {"at": NOON + timedelta(days=1), "first_reported_at": NOON + timedelta(days=1)}
    await harness.deliver(credited(conversion_id="c2", **yen, **later))
    await harness.deliver(credited())
    await harness.deliver(credited(revision=2, **yen))
    assert _types(harness) == [RewardDeclined, RewardPending]
    assert await _balances(harness) == {"budget/prog/JPY": -2_400, "pending/p1/JPY": 2_400}
    await harness.deliver(judged(credit_revision=2), judged(conversion_id="c2"))
    await harness.fire_due(LATER + timedelta(days=1))
    assert await harness.parked() == []
    assert await _pay_all(harness) == 2
    assert await _balances(harness) == {
        "budget/prog/JPY": -2_400,
        "paid_out/account_credit/JPY": 2_400,
    }
    assert await harness.fetch("SELECT * FROM ledger_broken_rewards()") == []
    assert await harness.fetch("SELECT * FROM ledger_unexplained_accounts()") == []


async def test_a_refund_in_another_currency_keeps_to_that_of_the_approval(harness: Rewards) -> None:
    await harness.hear_table(*world(percentage_rule("1/10")))
    await harness.deliver(credited(), judged())
    await harness.fire_due(LATER)
    await _pay_all(harness)
    yen = {"currency": "JPY", "amount_minor": 12_000, "at": LATER}
    await harness.deliver(credited(revision=2, **yen))
    assert harness.emitted(RewardRevised) == []
    await harness.deliver(credited(revision=3, refunded_minor=3_000, **yen))
    (revised,) = harness.emitted(RewardRevised)
    assert (revised.data.amount_minor, revised.data.currency) == (750, "EUR")
    assert (await _balances(harness))["receivable/p1/EUR"] == -250
    assert await harness.fetch("SELECT * FROM ledger_broken_rewards()") == []


async def test_nobody_credited_any_longer(harness: Rewards) -> None:
    await harness.hear_table(*world())
    await harness.deliver(credited(), unattributed(revision=2))
    assert _types(harness) == [RewardPending, RewardDeclined]
    assert await _balances(harness) == {}


async def test_a_hold_that_moves_is_ended_at_its_new_time(harness: Rewards) -> None:
    earlier = NOON - timedelta(days=2)
    await harness.hear_table(*world())
    await harness.deliver(credited(), judged(credit_revision=2))
    await harness.deliver(credited(revision=2, first_reported_at=earlier))
    assert harness.emitted(RewardRevised)[0].data.next_at == earlier + HOLD
    await harness.fire_due(earlier + HOLD)
    assert RewardApproved in _types(harness)
    await harness.fire_due(LATER)
    assert _types(harness) == []


async def test_a_refund_after_payment_is_netted_against_the_next_reward(harness: Rewards) -> None:
    await harness.hear_table(*world())
    await harness.deliver(credited(), judged())
    await harness.fire_due(LATER)
    await _pay_all(harness)
    await harness.deliver(credited(revision=2, refunded_minor=4_000, at=LATER))
    assert harness.emitted(RewardRevised)[0].data.reversed_minor == 400
    assert (await _balances(harness))["receivable/p1/EUR"] == -400
    await harness.deliver(
        credited(conversion_id="c2"), judged(conversion_id="c2", credit_revision=1)
    )
    await harness.fire_due(LATER + HOLD)
    (fulfilling,) = harness.emitted(RewardFulfilling)
    assert fulfilling.data.netted_minor == 400
    assert harness.emitted(PayoutRequested)[0].data.amount_minor == 600
    assert "receivable/p1/EUR" not in await _balances(harness)


async def test_a_rejection_after_approval_withdraws_what_was_not_sent(harness: Rewards) -> None:
    await harness.hear_table(*world())
    await harness.deliver(credited(), judged())
    await harness.fire_due(LATER)
    await harness.deliver(judged(VerdictState.REJECTED, revision=2, at=LATER))
    assert RewardClawedBack in _types(harness)
    assert await _balances(harness) == {}
    assert await _pay_all(harness) == 0


async def _pay_all(harness: Rewards) -> int:
    async with open_rails(harness.runtime) as rails:
        paid = 0
        while count := await execute_due(harness.runtime, rails):
            paid += count
        return paid


def _story() -> list[Given]:
    """Everything that can happen to three conversions before their holds end."""
    return [
        credited(share("p1", "1/2"), share("p2", "1/2")),
        credited(share("p2"), revision=2),
        judged(),
        judged(credit_revision=2, revision=2),
        credited(share("p3"), conversion_id="c2"),
        judged(VerdictState.REJECTED, conversion_id="c2"),
        credited(share("p4"), conversion_id="c3"),
        credited(share("p4"), conversion_id="c3", revision=2, refunded_minor=10_000),
        credited(share("p5"), conversion_id="c4"),
        judged(conversion_id="c4"),
    ]


EXPECTED = {"p2": (1_000, "fulfilling"), "p5": (500, "fulfilling")}


@pytest.mark.parametrize("stride", [1, 3, 7, 9])
async def test_credits_and_verdicts_in_any_order_and_batches(harness: Rewards, stride: int) -> None:
    """Strides that share no factor with ten visit every event, each in another order."""
    await harness.hear_table(*world(caps=(cap(1_500),)))
    story = _story()
    shuffled = [story[n * stride % len(story)] for n in range(len(story))]
    for start in range(0, len(shuffled), stride):
        await harness.deliver(*shuffled[start : start + stride])
    await harness.fire_due(LATER)
    found = await _state(harness)
    assert {who: state for who, state in found.items() if state[0]} == EXPECTED


async def test_everything_twice_and_replayed_without_the_inbox_changes_nothing(
    harness: Rewards,
) -> None:
    facts = world(caps=(cap(1_500),))
    story = [*_story(), judged(VerdictState.REJECTED, credit_revision=2, revision=3, at=LATER)]
    await harness.hear_table(*facts)
    await harness.deliver(*story[:-1], *story[:-1])
    await harness.fire_due(LATER)
    await _pay_all(harness)
    await harness.deliver(story[-1], story[-1])
    before, emitted = await harness.snapshot(), len(await harness.emitted_all())
    await harness.fetch("DELETE FROM kit.inbox")
    await harness.hear_table(*facts)
    for given in (*story, *reversed(story)):
        await harness.deliver(given)
    await harness.fire_due(LATER + HELD)
    assert await _pay_all(harness) == 0
    assert await harness.snapshot() == before
    assert len(await harness.emitted_all()) == emitted


async def test_every_events_revision_follows_the_one_before(harness: Rewards) -> None:
    await harness.hear_table(*world(flat_rule(), flat_rule(name="second"), caps=(cap(1_500),)))
    await harness.deliver(*_story())
    await harness.fire_due(LATER)
    await _pay_all(harness)
    seen: Counter[str] = Counter()
    for event in await harness.emitted_all():
        if isinstance(event.data, RewardChanged):
            seen[event.data.reward_id] += 1
            assert event.data.revision == seen[event.data.reward_id]
            assert event.data.explanation
            assert event.data.next_step


async def test_a_batch_of_one_and_of_a_hundred_take_as_many_statements(harness: Rewards) -> None:
    await harness.hear_table(*world(caps=(cap(10_000_000),)))

    async def counts(names: list[str]) -> list[int]:
        taken = []
        await harness.deliver(*(credited(conversion_id=name) for name in names))
        taken.append(harness.statements)
        await harness.deliver(
            *(credited(conversion_id=name, revision=2, refunded_minor=5) for name in names)
        )
        taken.append(harness.statements)
        await harness.deliver(*(judged(conversion_id=name, credit_revision=2) for name in names))
        taken.append(harness.statements)
        await harness.fire_due(LATER)
        taken.append(harness.statements)
        return taken

    one = await counts(["a"])
    assert await counts([f"c{n}" for n in range(100)]) == one
    states = await harness.fetch("SELECT DISTINCT state FROM rewards")
    assert [row["state"] for row in states] == [RewardState.FULFILLING]
