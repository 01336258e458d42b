"""What a batch costs, and that telling everything again changes nothing."""

import pytest
from shared_schemas.events.attribution import (
    ConversionCredited,
)
from shared_schemas.states import ReferralStage
from shared_schemas.words import TouchKind

from .builders import (
    DAY,
    at,
    click,
    code_entered,
    lead_record,
    linked,
    refund,
    refused,
    sale,
    share,
    unlinked,
)
from .control_plane import control_plane

pytestmark = pytest.mark.real


async def test_hundreds_who_meet_one_token_cost_no_more_than_a_few(harness) -> None:
    await harness.deliver(click("c1", 0))
    await harness.deliver(*(share("c1", n, f"s{n}") for n in range(1, 101)))
    await harness.deliver(share("c1", 200, "late"), sale("o1", 210, visitor="late"))
    [credited] = harness.emitted(ConversionCredited)
    assert credited.data.shares[0].evidence[0].kind is TouchKind.SHARE_VIEW
    rows = await harness.fetch("SELECT counted_as, count(*) FROM sightings GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in rows] == [("click", 1), ("share_view", 101)]


def journey(n: int):
    """Everything that may happen, for one person of their own."""
    who = f"p{n}"
    return [
        click(f"k{n}", 0, f"v{n}", code="ann-1"),
        share(f"k{n}", 1, f"w{n}", code="ann-1"),
        code_entered(2, f"v{n}", code="bob-1"),
        linked(3, visitor=f"v{n}", customer=who),
        sale(f"o{n}", 10, customer=who, visitor=f"v{n}", token=("ann-1", f"k{n}", 0)),
        refund(f"o{n}", 12, 5),
        lead_record(f"l{n}", 13, ReferralStage.CONTACTED, customer_id=who),
        refused(14, f"w{n}"),
    ]


async def test_a_batch_of_a_hundred_costs_as_many_statements_as_one(harness) -> None:
    await harness.deliver(*journey(0))
    one = harness.statements
    hundred = [event for n in range(1, 14) for event in journey(n)]
    await harness.deliver(*hundred)
    assert harness.statements == one
    await harness.fire_due(at(60))
    assert len(await harness.emitted_all(ConversionCredited)) == 14


async def test_replaying_everything_changes_no_row_with_or_without_the_inbox(harness) -> None:
    told = [*journey(1), *journey(2), unlinked(15, visitor="v1", customer="p1")]
    await harness.deliver(*told)
    await harness.fire_due(at(60 * DAY))
    before = await harness.snapshot()
    emitted = len(await harness.emitted_all())
    await harness.deliver(*told)
    async with harness.transaction() as tx:
        await tx.execute("TRUNCATE kit.inbox")
    await harness.deliver(*reversed(told))
    for event in told:
        await harness.deliver(event)
    await harness.hear_table(*control_plane())
    await harness.fire_due(at(60 * DAY))
    assert await harness.snapshot() == before
    assert len(await harness.emitted_all()) == emitted
