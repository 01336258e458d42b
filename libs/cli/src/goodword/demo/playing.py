"""Plays the journeys on a running platform and looks at what came of them, until all is settled."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from ..platform import Running
from .comparing import Mismatch, conversion_expected, differences, load_expected
from .crm import Crm
from .journeys import HURRIED, JOURNEYS, Scene, sale
from .outcome import TOPICS, Final
from .receiver import Receiver
from .stage import SETTLED_SECONDS, prepare
from .tape import Tape
from .witnesses import Witnesses

HORIZON_SECONDS = 30.0
_ANSWER_SECONDS = 20.0
PATIENCE_SECONDS = 8.0  # how long a mismatch must stay the same before it is believed


@dataclass(frozen=True, slots=True)
class Look:
    """One look at everything: what differs from the expectations, and the numbers."""

    mismatches: Sequence[Mismatch]
    totals: Mapping[str, int]
    traces_missing: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Played:
    """What is shown at the end; `explained` is one journey as the hub tells it."""

    look: Look
    expected: Mapping[str, Any]
    explained: Mapping[str, Any]


async def play(
    platform: Running, receiver: Receiver, explain: str, tell: Callable[[str], None]
) -> Played:
    """All journeys, then a look at what came of them. `explain` is an order's reference."""
    kafka, prefix = platform.infrastructure.kafka_bootstrap, platform.topic_prefix
    async with (
        httpx.AsyncHTTPTransport() as transport,
        Tape.recording(kafka, prefix, TOPICS) as tape,
        Crm.connected(kafka, prefix) as crm,
    ):
        tell("Applying the sample organisation.")
        stage = await prepare(platform, receiver, transport)
        tell(f"Sending people on {len(JOURNEYS)} journeys.")
        await _journeys(Scene(us=stage.us, eu=stage.eu, crm=crm, tape=tape))
        tell("Waiting until all that follows is done.")
        expected = load_expected()
        with httpx.Client(timeout=_ANSWER_SECONDS) as http:
            witnesses = Witnesses(platform, receiver, stage.hook_secret, http)
            look = await _settled_look(platform, tape, witnesses, expected)
            explained = await asyncio.to_thread(witnesses.journey, sale(explain))
    return Played(look, expected, explained)


async def _journeys(scene: Scene) -> None:
    """All at once, but for those that race against the end of a hold: they go first."""
    await asyncio.gather(*(JOURNEYS[name](scene) for name in HURRIED))
    await asyncio.gather(*(go(scene) for name, go in JOURNEYS.items() if name not in HURRIED))


async def _settled_look(
    platform: Running, tape: Tape, witnesses: Witnesses, expected: Mapping[str, Any]
) -> Look:
    """Look until all is as expected, or has been settled otherwise for a while.

    Payouts, mails and webhooks are sent by loops that no topic shows while they are at it.
    """
    deadline = time.monotonic() + SETTLED_SECONDS
    changed_at, look = time.monotonic(), Look((), {}, {})
    while True:
        await platform.settled(max(deadline - time.monotonic(), 1), HORIZON_SECONDS)
        await tape.to_end()
        before, look = look, await _look(tape, witnesses, expected)
        now = time.monotonic()
        if look != before:
            changed_at = now
        if not look.mismatches or now > deadline or now - changed_at > PATIENCE_SECONDS:
            return look


async def _look(tape: Tape, witnesses: Witnesses, expected: Mapping[str, Any]) -> Look:
    final = Final.of(tape)
    missing = await asyncio.to_thread(witnesses.traces_missing, final)
    imbalance = await asyncio.to_thread(witnesses.ledger_imbalance)
    totals = {
        **final.totals(),
        "ledger_imbalance_minor": imbalance,
        "traces_complete": len(final.conversions) - len(missing),
    }
    outside = await asyncio.to_thread(witnesses.outside, final)
    mismatches = [
        *_of_conversions(final, expected),
        *differences("outside", expected["outside"], outside),
        *differences("totals", expected["totals"], totals),
    ]
    return Look(mismatches, totals, missing)


def _of_conversions(final: Final, expected: Mapping[str, Any]) -> list[Mismatch]:
    return [
        mismatch
        for name, journey in expected["journeys"].items()
        for reference, said in journey["conversions"].items()
        for mismatch in differences(
            f"{name} {reference}",
            conversion_expected(said),
            final.conversion(sale(reference)),
        )
    ]
