"""Disputes as a table: who earns what, and what the loser is told."""

from dataclasses import dataclass, field

import pytest
from attribution.domain.decision import Decision
from service_kit.testing import Given
from shared_schemas.events.programs import Window
from shared_schemas.states import ConversionState
from shared_schemas.words import AttributionModel, ConsentState, Group, Trust

from . import world
from .builders import (
    DAY,
    LONG_AGO,
    at,
    click,
    conversion_id,
    lead,
    linked,
    refund,
    refused,
    sale,
    share,
    unlinked,
)
from .control_plane import control_plane, deactivated, link, participant, paused, policy
from .world import refusals, shares

LINEAR, FIRST, LAST = AttributionModel.LINEAR, AttributionModel.FIRST, AttributionModel.LAST
ORDER = conversion_id("o1")


def decided(told: list[Given], tables: list[Given], reference: str = ORDER) -> Decision:
    return world.decided(told, tables, reference)


@dataclass
class Dispute:
    """A quarrel, and how it ends. `why` holds a part of what is said of a code."""

    name: str
    told: list[Given]
    expected: dict[str, int]
    why: dict[str, str] = field(default_factory=dict)
    model: AttributionModel = LAST
    tables: list[Given] = field(default_factory=list)
    state: ConversionState | None = None


DISPUTES = [
    Dispute(
        "the last of two clicks wins, the first is superseded",
        [click("c1", 0), click("c2", 5, code="bob-1"), sale("o1", 10)],
        {"bob": 10_000},
        {"ann-1": "superseded: a later touch counts"},
    ),
    Dispute(
        "under first touch the other one wins",
        [click("c1", 0), click("c2", 5, code="bob-1"), sale("o1", 10)],
        {"ann": 10_000},
        {"bob-1": "superseded: an earlier touch counts"},
        model=FIRST,
    ),
    Dispute(
        "linear splits a cent by largest remainder, ties by participant",
        [
            click("c1", 0),
            click("c2", 5, code="bob-1"),
            click("c3", 6, code="cleo-1"),
            sale("o1", 10, 100),
        ],
        {"ann": 34, "bob": 33, "cleo": 33},
        model=LINEAR,
    ),
    Dispute(
        "a click after the purchase earns nothing",
        [sale("o1", 10), click("c1", 11)],
        {},
        {"ann-1": "it came after the conversion"},
        state=ConversionState.UNATTRIBUTED,
    ),
    Dispute(
        "a click of last spring lies outside the window",
        [click("c1", -31 * DAY), sale("o1", 0)],
        {},
        {"ann-1": "it lies outside the window of 30 days"},
    ),
    Dispute(
        "employees' window is shorter than everybody's",
        [click("c1", -2 * DAY, code="eve-1"), click("c2", -3 * DAY), sale("o1", 0)],
        {"ann": 10_000},
        {"eve-1": "it lies outside the window of 1 days"},
        tables=[
            participant("eve", Group.EMPLOYEE),
            link("eve-1"),
            policy(
                version=2,
                windows=(Window(seconds=30 * 86_400), Window(group="employee", seconds=86_400)),
            ),
        ],
    ),
    Dispute(
        "a deactivated participant earns nothing for what occurs afterwards",
        [click("c1", 0), sale("o1", 10)],
        {},
        {"ann-1": "the participant was deactivated by then"},
        tables=[deactivated("ann", 5)],
    ),
    Dispute(
        "a paused program's touches count, its conversions do not",
        [click("c1", 0), sale("o1", 10)],
        {},
        {"ann-1": "the program was paused then"},
        tables=[paused(5)],
    ),
    Dispute(
        "a revoked link's later clicks are void, its earlier ones are not",
        [click("c1", 0), click("c2", 6), sale("o1", 10)],
        {"ann": 10_000},
        {"ann-1": "the link was revoked"},
        tables=[link("ann-1", revision=2, revoked_at=at(5), heard=at(5))],
    ),
    Dispute(
        "a link that changed hands pays its owner at the time of the touch",
        [click("c1", 0), sale("o1", 10)],
        {"ann": 10_000},
        tables=[link("ann-1", (LONG_AGO, "ann"), (at(5), "bob"), revision=2, heard=at(5))],
    ),
    Dispute(
        "a refusal of consent drops the touches that lacked it, and only those",
        [
            click("c1", 0, consent=ConsentState.GRANTED),
            click("c2", 5, code="bob-1"),
            refused(8, "v1"),
            sale("o1", 10),
        ],
        {"ann": 10_000},
        {"bob-1": "consent was refused"},
    ),
    Dispute(
        "a friend who opens my tab's address is a touch of their own, not mine",
        [click("c1", 0), share("c1", 3, visitor="v2"), sale("o1", 10, visitor="v2")],
        {"ann": 10_000},
    ),
    Dispute(
        "somebody else's journey is not the buyer's",
        [click("c1", 0, visitor="v9"), sale("o1", 10)],
        {},
        state=ConversionState.UNATTRIBUTED,
    ),
    Dispute(
        "a code at the till beats an earlier click",
        [click("c1", 0), sale("o1", 10, code="bob-1")],
        {"bob": 10_000},
        {"ann-1": "superseded"},
    ),
    Dispute(
        "an address that was joined to another customer by a page is not believed",
        [
            click("c1", 0, visitor="thief"),
            linked(1, customer="c1", visitor="v1"),
            linked(2, customer="thief", visitor="thief", trust=Trust.PUBLISHABLE),
            linked(3, customer="c1", visitor="thief", trust=Trust.PUBLISHABLE),
            sale("o1", 10, customer="c1"),
        ],
        {},
    ),
    Dispute(
        "the buyer's other browser counts, once a secret key joins them",
        [
            click("c1", 0, visitor="phone"),
            linked(1, customer="c1", visitor="phone"),
            sale("o1", 10, customer="c1", visitor="laptop"),
        ],
        {"ann": 10_000},
    ),
    Dispute(
        "what was joined by mistake is parted again",
        [
            click("c1", 0, visitor="phone"),
            linked(1, customer="c1", visitor="phone"),
            unlinked(2, customer="c1", visitor="phone"),
            sale("o1", 10, customer="c1", visitor="laptop"),
        ],
        {},
    ),
    Dispute(
        "a lead is its contact's, not its sender's browser's",
        [lead(0, "zoe", visitor_id="v1"), sale("o1", 10, visitor="v1")],
        {},
    ),
    Dispute(
        "a partial refund leaves the split and takes its part",
        [click("c1", 0), click("c2", 5, code="bob-1"), sale("o1", 10, 101), refund("o1", 20, 1)],
        {"ann": 50, "bob": 50},
        model=LINEAR,
    ),
    Dispute(
        "a whole refund keeps the split at nothing",
        [click("c1", 0), sale("o1", 10), refund("o1", 20)],
        {"ann": 0},
        state=ConversionState.REVERSED,
    ),
    Dispute(
        "refunds above the amount stop at the amount",
        [click("c1", 0), sale("o1", 10), refund("o1", 20, 6_000), refund("o1", 21, 6_000)],
        {"ann": 0},
        state=ConversionState.REVERSED,
    ),
    Dispute(
        "a page cannot take money back",
        [click("c1", 0), sale("o1", 10), refund("o1", 20, trust=Trust.PUBLISHABLE)],
        {"ann": 10_000},
    ),
    Dispute(
        "what only a page has told of waits for confirmation",
        [click("c1", 0), sale("o1", 10, trust=Trust.PUBLISHABLE)],
        {},
        state=ConversionState.UNCONFIRMED,
    ),
    Dispute(
        "the browser's report fills what the shop did not know",
        [
            click("c1", 0),
            sale("o1", 10, 1, trust=Trust.PUBLISHABLE, source="page"),
            sale("o1", 11, 9_000, visitor=None, customer="c1"),
        ],
        {"ann": 9_000},
    ),
    Dispute(
        "a touch that is heard after the grace changes nothing",
        [click("c1", 0), sale("o1", 10), click("c2", 5, code="bob-1", heard=8 * DAY)],
        {"ann": 10_000},
    ),
    Dispute(
        "a touch that is heard late, but in grace, wins",
        [click("c1", 0), sale("o1", 10), click("c2", 5, code="bob-1", heard=6 * DAY)],
        {"bob": 10_000},
    ),
]


@pytest.mark.parametrize("dispute", DISPUTES, ids=lambda d: d.name)
def test_disputes_end_as_written_and_say_why(dispute: Dispute) -> None:
    tables = [*control_plane(dispute.model), *dispute.tables]
    decision = decided(dispute.told, tables)
    assert shares(decision) == dispute.expected
    said = refusals(decision)
    for code, why in dispute.why.items():
        assert why in said[code]
    if dispute.state is not None:
        assert decision.state is dispute.state
    assert decision.why
    assert decision.next_step.endswith(".")
