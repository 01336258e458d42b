"""What it all came to in the end, in words that do not depend on the order of events."""

import asyncio
from typing import Any

from service_kit.testing import Harness
from shared_schemas.events.attribution import (
    ConversionCredited,
    ConversionUnattributed,
    Evidence,
    ReferralAdvanced,
    ReferralClosed,
    ReferralOpened,
)
from shared_schemas.states import ReferralStage

CREDITS = (ConversionCredited, ConversionUnattributed)
_DEADLINE_SECONDS = 10
REFERRALS = (ReferralOpened, ReferralAdvanced, ReferralClosed)


async def decisions(harness: Harness[Any]) -> dict[str, Any]:
    """Each conversion's last decision, by reference; revisions rise by one each time."""
    last: dict[str, Any] = {}
    for event in await harness.emitted_all(*CREDITS):
        data = event.data
        before = last.get(data.conversion_id)
        assert data.revision == (before.revision + 1 if before else 1)
        last[data.conversion_id] = data
    return {data.reference.casefold(): _told(data) for data in last.values()}


def _told(data: Any) -> dict[str, Any]:
    shares = getattr(data, "shares", ())
    return {
        "state": data.state,
        "refunded": data.refunded_minor,
        "customer": data.customer_id,
        "grace": data.grace_ends_at,
        "look_alike": data.look_alike_of is not None,
        "refused": sorted((*_shown(e), e.why) for e in data.refused),
        "shares": [
            (s.participant_id, s.program_id, s.weight, s.amount_minor, [*map(_shown, s.evidence)])
            for s in shares
        ],
    }


def _shown(evidence: Evidence) -> tuple[Any, ...]:
    return evidence.kind, evidence.code, evidence.at


async def referrals(harness: Harness[Any]) -> list[tuple[Any, ...]]:
    """The open referrals."""
    last = {}
    for event in await harness.emitted_all(*REFERRALS):
        data = event.data
        before = last.get(data.referral_id)
        assert data.revision == (before.revision + 1 if before else 1)
        last[data.referral_id] = data
    return sorted(
        (r.program_id, r.participant_id, r.opened_at, r.stage, r.conversion_ids)
        for r in last.values()
        if r.stage is not ReferralStage.CLOSED
    )


def named(outcome: dict[str, Any], person: int) -> dict[str, Any]:
    """One person's conversions, with their number taken out of every name."""
    mark = f"#{person}"
    return {
        reference.removesuffix(mark): told
        | {"customer": (told["customer"] or "").removesuffix(mark)}
        for reference, told in outcome.items()
        if reference.endswith(mark)
    }


async def stuck_or_done(harness: Harness[Any], task: asyncio.Task[None]) -> None:
    """Until the other transaction waits for a lock of ours, or never needed one."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _DEADLINE_SECONDS
    while not task.done():
        assert loop.time() < deadline
        waiting = await harness.fetch(
            """
            SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)
             WHERE NOT granted AND datname = current_database()
            """
        )
        if waiting:
            return
