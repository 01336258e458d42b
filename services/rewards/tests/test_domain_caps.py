"""Caps: the same for whoever asks first, and never above."""

from datetime import timedelta
from itertools import permutations

from rewards.domain.ledger import Purpose
from rewards.domain.lifecycle import (
    CAPPED,
    end_hold,
)
from rewards.domain.outcome import Desk
from shared_schemas.words import CapPer, CapPeriod, Side

from .builders import (
    NOON,
    cap,
    case,
    credit,
    facts,
    flat_rule,
    share,
    verdict,
)
from .deciding import DAY, LATER, heard, only, worth


def _approve(desk: Desk, *conversion_ids: str) -> dict[str, tuple[int, str]]:
    """Pending first, in order of time; then their holds end in the order given."""
    cases = {
        conversion_id: heard(
            credit(share(), occurred_at=NOON + n * timedelta(minutes=1)),
            verdict(),
            desk=desk,
            start=case(conversion_id),
        )
        for n, conversion_id in enumerate(sorted(conversion_ids))
    }
    outcomes = {key: end_hold(cases[key], desk, LATER) for key in conversion_ids}
    return {key: (only(o.case).amount_minor, only(o.case).reason) for key, o in outcomes.items()}


def test_a_cap_clips_what_comes_later_whoever_asks_first() -> None:
    for order in permutations(("a", "b", "c")):
        results = _approve(Desk(facts=facts(caps=(cap(1_500),))), *order)
        assert {key: amount for key, (amount, _) in results.items()} == {
            "a": 1_000,
            "b": 500,
            "c": 0,
        }
        assert results["c"][1] == CAPPED


def test_a_cap_on_the_number_of_rewards() -> None:
    results = _approve(Desk(facts=facts(caps=(cap(rewards=2),))), "c", "a", "b")
    assert [results[key][0] for key in "abc"] == [1_000, 1_000, 0]


def test_a_clipped_reward_says_which_cap_and_what_was_left() -> None:
    desk = Desk(facts=facts(caps=(cap(1_500, period=CapPeriod.MONTH),)))
    first = heard(credit(share()), verdict(), desk=desk, start=case("a"))
    second = heard(credit(share(), occurred_at=NOON + DAY), verdict(), desk=desk, start=case("b"))
    end_hold(first, desk, LATER)
    (step,) = end_hold(second, desk, LATER).steps
    assert step.change.lines[-1] == (
        "Cap budget of program prog (2026-01, *): 5.00 EUR of 15.00 EUR were left."
    )
    assert {t.purpose: t.amount_minor for t in step.transfers} == {
        Purpose.RELEASE: 500,
        Purpose.POST: 500,
    }


def test_months_begin_in_the_markets_zone() -> None:
    """23:30 UTC on the 31st is February in Berlin."""
    late = NOON.replace(day=31, hour=23, minute=30)
    desk = Desk(facts=facts(caps=(cap(1_000, period=CapPeriod.MONTH),)))
    january = heard(credit(share()), verdict(), desk=desk, start=case("a"))
    february = heard(credit(share(), occurred_at=late), verdict(), desk=desk, start=case("b"))
    assert only(end_hold(january, desk, LATER).case).amount_minor == 1_000
    assert only(end_hold(february, desk, LATER).case).amount_minor == 1_000


def test_a_participants_cap_is_about_what_that_participant_earns() -> None:
    desk = Desk(
        facts=facts(
            flat_rule(),
            flat_rule(name="friend", side=Side.REFEREE),
            caps=(cap(1_000, per=CapPer.PARTICIPANT),),
        )
    )
    for n, who in enumerate(("p1", "p2")):
        one = heard(credit(share(who)), verdict(), desk=desk, start=case(f"c{n}"))
        assert set(worth(end_hold(one, desk, LATER).case).values()) == {(1_000, "approved")}
    again = heard(credit(share("p1")), verdict(), desk=desk, start=case("c9"))
    assert worth(end_hold(again, desk, LATER).case) == {"friend": (1_000, "approved")}
