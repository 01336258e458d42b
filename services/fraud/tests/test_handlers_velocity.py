"""Velocity: an office is cleared, a farm is held, whatever order it comes in."""

import pytest
from service_kit.testing import Given, Harness
from shared_schemas.events.fraud import CreditCleared, CreditHeld, CreditJudged

from .builders import (
    at,
    credited,
    program,
    share,
    touch,
)

pytestmark = pytest.mark.real


async def verdicts(harness: Harness, *events: Given) -> list[CreditJudged]:
    await harness.deliver(*events)
    return [event.data for event in harness.emitted()]


def points(verdict: CreditJudged) -> dict[str, int]:
    return {one.name: one.points for one in verdict.contributions if one.points}


def states(found: list[CreditJudged]) -> dict[str, type[CreditJudged]]:
    return {one.conversion_id: type(one) for one in found}


def office(n: int, minutes: float, version: int = 2) -> list[Given]:
    """One colleague's purchase: a click from the office's address, and its credit."""
    shares = (share(touches=(f"t{n}",), version=version),)
    facts = {"customer_id": f"colleague{n}", "referee_id": f"colleague{n}"}
    return [
        touch(f"t{n}", minutes, "office", visitor_id=f"v{n}"),
        credited(f"c{n}", minutes, shares=shares, **facts),
    ]


async def test_an_office_below_the_limit_is_cleared_and_above_it_held(harness: Harness) -> None:
    await harness.hear_table(program(version=2, velocity_limit=3))
    events = [one for n in range(5) for one in office(n, n)]
    found = await verdicts(harness, *events)
    assert [type(one).__name__ for one in found] == ["CreditCleared"] * 3 + ["CreditHeld"] * 2
    assert found[2].contributions[0].points == 0
    assert "within the limit" in found[2].contributions[0].why
    assert points(found[3]) == {"velocity": 60}
    assert set(found[3].contributions[0].evidence) == {"c0", "c1", "c2", "c3"}


async def test_an_earlier_conversion_heard_late_tips_the_ones_after_it(harness: Harness) -> None:
    await harness.hear_table(program(version=2, velocity_limit=2))
    await harness.deliver(*office(1, 1), *office(2, 2))
    found = await verdicts(harness, *office(0, 0))
    assert states(found) == {
        "c0": CreditCleared,
        "c2": CreditHeld,
    }


async def test_what_left_the_window_no_longer_counts(harness: Harness) -> None:
    await harness.hear_table(program(version=2, velocity_limit=1, velocity_window_seconds=60))
    found = await verdicts(harness, *office(1, 0), *office(2, 1), *office(3, 1.5))
    assert states(found) == {
        "c1": CreditCleared,
        "c2": CreditCleared,
        "c3": CreditHeld,
    }


async def test_a_neighbour_reported_after_the_hold_no_longer_counts(harness: Harness) -> None:
    await harness.hear_table(program(version=2, velocity_limit=1, hold_seconds=60))
    await harness.deliver(*office(2, 2))
    clicked, bought = office(1, 1)
    late = bought.data.model_copy(update={"first_reported_at": at(4)})
    found = await verdicts(harness, clicked, Given(late, bought.envelope))
    assert [one.conversion_id for one in found] == ["c1"]


async def test_a_touch_that_comes_after_its_credit_is_counted(harness: Harness) -> None:
    await harness.hear_table(program(version=2, velocity_limit=1))
    await harness.deliver(*office(1, 1))
    clicked, bought = office(2, 2)
    assert [type(one) for one in await verdicts(harness, bought)] == [CreditCleared]
    (verdict,) = await verdicts(harness, clicked)
    assert (verdict.conversion_id, type(verdict)) == ("c2", CreditHeld)
    assert await verdicts(harness, clicked) == []
