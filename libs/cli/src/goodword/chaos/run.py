"""One chaos run: load and kills side by side, then quiet, then everything read back and judged."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..commands.organisation import applied
from ..platform import Observer, Running, running
from ..platform.events import OnEvent, silent
from ..services import with_admin_key
from ..traffic.organisation import KEY, Terms, codes, organisation
from ..traffic.shop import Shop, client
from .checker import check
from .history import History, Planted
from .kills import Killer, plan, servers
from .load import Load
from .planting import plant
from .reading import at_rest, read_mails, read_records, read_tables
from .redelivery import Redelivery
from .report import Report
from .sinks import PAYOUTS, WEBHOOKS, Sinks, listening

Say = Callable[[str], None]
_PARTICIPANTS = 30
_MAILED = ("p-0", "p-1", "p-2")  # the others want no mail
_TOLD_BY_WEBHOOK = ["reward.clawed_back.v1", "reward.declined.v1"]
_REDELIVERED = 0.1
_SETTLED_SECONDS = 600.0
_HORIZON_SECONDS = 30.0
_REST_SECONDS = 1.0
_CONNECTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much, and which chance."""

    kills: int
    conversions: int
    seed: int

    def chance(self, purpose: str) -> random.Random:
        """Draws that are the same in every run of this seed."""
        return random.Random(f"{self.seed}/{purpose}")  # noqa: S311 - load, no secret

    def shares(self) -> Sequence[int]:
        """How many conversions go with each kill, and how many follow the last."""
        parts = self.kills + 1
        return [
            self.conversions * (n + 1) // parts - self.conversions * n // parts
            for n in range(parts)
        ]


async def run(state: Path, options: Options, say: Say, on_event: OnEvent = silent) -> Report:
    """The whole of it, from an empty state folder. Raises PlatformError when it cannot go on."""
    began = time.monotonic()
    with listening() as sinks:
        settings = _settings(sinks.url)
        async with running(state, environment_extra=settings, on_event=on_event) as platform:
            redelivery = Redelivery(platform, _REDELIVERED, options.chance("redelivery"))
            history = await _stormed(platform, sinks, redelivery, options, say)
            await _quiet(platform)
            history = replace(
                history,
                records=await read_records(platform),
                tables=await read_tables(platform),
                mails=read_mails(platform.state / "mail"),
                payments=tuple(sinks.payments),
                webhooks=tuple(sinks.webhooks),
            )
    return Report.of(
        history,
        check(history),
        seed=options.seed,
        redelivered=redelivery.count,
        seconds=time.monotonic() - began,
    )


async def _stormed(
    platform: Running, sinks: Sinks, redelivery: Redelivery, options: Options, say: Say
) -> History:
    """Load, kills, redelivery and planted faults: what clients and killer know of it."""
    async with client(_CONNECTIONS) as http, Observer.watching(platform.state) as observer:
        await asyncio.to_thread(_organised, platform, sinks)
        await platform.settled(_SETTLED_SECONDS)
        shop = Shop(http=http, url=platform.url("tracking"), key=platform.keys[KEY])
        tokens = await shop.tokens(codes(_PARTICIPANTS))
        load = Load(shop, tokens, f"s{options.seed}", options.chance("load"))
        killer = Killer(platform, observer, options.chance("moments"))
        repeating = asyncio.create_task(redelivery.run())
        try:
            planted = await _storm(load, killer, options, say)
            say("quiet: waiting until all of it is done")
            await platform.settled(_SETTLED_SECONDS)
        finally:
            repeating.cancel()
            with suppress(asyncio.CancelledError):
                await repeating
    return History(
        acknowledged=tuple(load.acknowledged), planted=planted, kills=tuple(killer.kills)
    )


async def _storm(load: Load, killer: Killer, options: Options, say: Say) -> frozenset[Planted]:
    """A share of the load with each kill; bad records are planted after the first share."""
    kinds = [*killer.platform.services, *servers(killer.platform)]
    victims = plan(kinds, options.kills, options.chance("victims"))
    first, *shares = options.shares()
    await load.conversions(first)
    planted = await plant(killer.platform)
    for victim, share in zip(victims, shares, strict=True):
        async with asyncio.TaskGroup() as group:
            group.create_task(load.conversions(share))
            group.create_task(killer.kill(victim))
        last = killer.kills[-1]
        say(f"killed {victim:<13} in flight: {last.in_flight}, {load.sent:,} conversions taken")
    return planted


def _organised(platform: Running, sinks: Sinks) -> None:
    """The organisation, who wants mail, and a webhook; it blocks."""
    terms = Terms(grace="1s", hold="1s", partner_rail="webhook")
    applied(platform.state, organisation(_PARTICIPANTS, terms))
    notifications = with_admin_key(platform.state, "notifications")
    for subject in _MAILED:
        notifications.post("/v1/preferences", {"subject": subject, "email": "each"})
    notifications.post(
        "/v1/endpoints", {"url": sinks.url + WEBHOOKS, "event_types": _TOLD_BY_WEBHOOK}
    )


async def _quiet(platform: Running) -> None:
    """Wait until nothing moves any more, in groups, outboxes, holds, payouts and deliveries."""
    async with asyncio.timeout(_SETTLED_SECONDS):
        await platform.settled(_SETTLED_SECONDS, _HORIZON_SECONDS)
        while not await at_rest(platform):
            await asyncio.sleep(_REST_SECONDS)
            await platform.settled(_SETTLED_SECONDS, _HORIZON_SECONDS)


def _settings(sinks: str) -> Mapping[str, Mapping[str, str]]:
    """Both sinks are on this machine; whoever died with work in hand is not waited for long."""
    return {
        "rewards": {
            "GOODWORD_PAYOUT_URL": sinks + PAYOUTS,
            "GOODWORD_ALLOW_LOOPBACK": "true",
            "GOODWORD_RAIL_TIMEOUT_SECONDS": "2",
            "GOODWORD_PAYOUT_LEASE_SECONDS": "5",
            "GOODWORD_PAYOUT_RETRY_MAX_SECONDS": "5",
        },
        "notifications": {
            "GOODWORD_WEBHOOK_ALLOW_LOOPBACK": "true",
            "GOODWORD_DEFAULT_EMAIL_PREFERENCE": "none",
        },
    }
