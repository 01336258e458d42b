"""A fact of the control plane that comes while a batch is being decided."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from attribution.__main__ import SERVICE
from attribution.handlers import handle
from service_kit.testing import Given, Harness
from shared_schemas.events.attribution import ConversionCredited, ConversionUnattributed
from shared_schemas.words import AttributionModel

from .builders import at, click, sale, settings
from .control_plane import paused, policy
from .outcomes import stuck_or_done

pytestmark = pytest.mark.real
DEADLINE_SECONDS = 10
FACTS = {
    "a policy": policy(AttributionModel.FIRST, version=2, effective_at=at(0), heard=at(9)),
    "a pause": paused(9),
}


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS.keys())
async def test_a_fact_heard_while_a_batch_is_in_flight_is_applied_to_it(
    fact: Given, harness: Harness[Any], database_url: str
) -> None:
    await harness.fire_due(at(0))
    await harness.deliver(click("c1", 0), click("c2", 5, code="bob-1"))
    decided, go_on = asyncio.Event(), asyncio.Event()

    async def handle_slowly(tx: Any, events: Any) -> None:
        await handle(tx, events)
        decided.set()
        await go_on.wait()

    slow = replace(SERVICE, handle=handle_slowly)
    async with Harness(slow, database_url, settings(database_url)) as slowly:
        first = asyncio.create_task(slowly.deliver(sale("o1", 10)))
        await asyncio.wait_for(decided.wait(), DEADLINE_SECONDS)
        await harness.hear_table(fact)
        second = asyncio.create_task(harness.fire_due(at(11)))
        await stuck_or_done(slowly, second)
        go_on.set()
        await asyncio.wait_for(asyncio.gather(first, second), DEADLINE_SECONDS)
    *_, told = [e.data for e in harness.emitted(ConversionCredited, ConversionUnattributed)]
    assert told.revision == 2
    assert told.reason.startswith("A change of policy, program, participant or link")
