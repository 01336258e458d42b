"""Order, repetition and cost: the same facts give the same verdicts."""

import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from service_kit.testing import Given, Harness

from .builders import (
    link,
    program,
    touch,
)
from .story import EXPECTED, LIMITED, bought, know, standing, story

pytestmark = pytest.mark.real


def batches(events: list[Given], rng: random.Random) -> list[list[Given]]:
    """The events in any order, some twice, cut anywhere."""
    shuffled = [*events, *rng.sample(events, 4)]
    rng.shuffle(shuffled)
    cuts = sorted(rng.sample(range(1, len(shuffled)), rng.randint(0, 9)))
    edges = [0, *cuts, len(shuffled)]
    return [shuffled[start:end] for start, end in pairwise(edges)]


async def test_the_order_of_arrival_does_not_matter(harness: Harness) -> None:
    for seed in range(24):
        tag = f"s{seed}"
        await know(harness, tag)
        for batch in batches(story(tag), random.Random(seed)):
            await harness.deliver(*batch)
        assert await standing(harness, tag) == EXPECTED, f"seed {seed}"


async def test_everything_again_changes_nothing_with_or_without_the_inbox(harness: Harness) -> None:
    await know(harness, "x")
    events = story("x")
    for batch in batches(events, random.Random(1)):
        await harness.deliver(*batch)
    before, emitted = await harness.snapshot(), len(await harness.emitted_all())
    await harness.deliver(*events)
    await harness.fetch("DELETE FROM kit.inbox")
    random.Random(2).shuffle(events)
    for one in events:
        await harness.deliver(one)
    await know(harness, "x")
    assert await harness.snapshot() == before
    assert len(await harness.emitted_all()) == emitted


@pytest.mark.parametrize(
    "make",
    [
        lambda n: [touch(f"t{n}", n, "home")],
        lambda n: [link(n, customer=f"u{n}", visitor=f"v{n}")],
        lambda n: bought(f"k{n}", n / 10, f"u{n}"),
        lambda n: [*bought(f"k{n}", n / 10, f"u{n}"), link(n, customer=f"u{n}", email="e@")],
    ],
    ids=["touches", "links", "conversions", "conversions and links"],
)
async def test_a_batch_of_a_hundred_costs_as_many_statements_as_one(
    harness: Harness, make: Callable[[int], list[Given]]
) -> None:
    await harness.hear_table(program(version=LIMITED))
    await harness.deliver(*make(0))
    alone = harness.statements
    await harness.deliver(*(one for n in range(1, 101) for one in make(n)))
    assert harness.statements == alone
    assert alone <= 45
