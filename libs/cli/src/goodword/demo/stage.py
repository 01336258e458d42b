"""Sets the stage: the organisation, a partner's campaign, a webhook subscriber, a pause."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from shared_schemas.events.rewards import RewardClawedBack, RewardDeclined, RewardFulfilled

from ..commands.organisation import apply_sample
from ..platform import Running
from ..platform.catalogue import ALL
from ..services import with_admin_key
from .people import Site
from .receiver import HOOKS, PAYOUTS, Receiver

PARTNER = "northwind"
SUBSCRIBED = (RewardFulfilled.TYPE, RewardDeclined.TYPE, RewardClawedBack.TYPE)
SETTLED_SECONDS = 90.0


def environment(receiver: Receiver, names: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The settings that the demo differs in: every trace kept, its own addresses on loopback."""
    return {
        ALL: {"GOODWORD_TRACE_SAMPLE_RATIO": "1", "OTEL_BSP_SCHEDULE_DELAY": "500", **names},
        "tracking": {"GOODWORD_TRUSTED_PROXIES": "1"},
        "rewards": {
            "GOODWORD_PAYOUT_URL": f"{receiver.url}{PAYOUTS}",
            "GOODWORD_ALLOW_LOOPBACK": "true",
        },
        "notifications": {"GOODWORD_WEBHOOK_ALLOW_LOOPBACK": "true"},
    }


@dataclass(frozen=True, slots=True)
class Stage:
    """What the journeys start from."""

    us: Site
    eu: Site
    hook_secret: str


async def prepare(
    platform: Running, receiver: Receiver, transport: httpx.AsyncHTTPTransport
) -> Stage:
    """Make the organisation and everything around it; returns when every service knows of it."""
    keys = await asyncio.to_thread(apply_sample, platform.state)
    await platform.settled(SETTLED_SECONDS)
    secret = await asyncio.to_thread(_around, platform, receiver)
    await platform.settled(SETTLED_SECONDS)
    tracking = platform.url("tracking")
    return Stage(
        us=_site(tracking, transport, keys, "us", "USD"),
        eu=_site(tracking, transport, keys, "eu", "EUR"),
        hook_secret=secret,
    )


def _site(
    tracking: str,
    transport: httpx.AsyncHTTPTransport,
    keys: Mapping[str, str],
    market: str,
    currency: str,
) -> Site:
    return Site(
        tracking=tracking,
        transport=transport,
        web_key=keys[f"web-{market}"],
        server_key=keys[f"server-{market}"],
        currency=currency,
    )


def _around(platform: Running, receiver: Receiver) -> str:
    """A partner and its campaign, a pause, a subscriber; returns the subscriber's secret."""
    _launch(platform)
    programs = with_admin_key(platform.state, "programs")
    programs.post("/v1/programs/summer/pause", {"reason": "the summer is over"})
    notifications = with_admin_key(platform.state, "notifications")
    endpoint = notifications.post(
        "/v1/endpoints",
        {"url": f"{receiver.url}{HOOKS}", "event_types": list(SUBSCRIBED), "description": "demo"},
    )
    assert isinstance(endpoint, dict)
    return str(endpoint["secret"])


def _launch(platform: Running) -> None:
    now = datetime.now(UTC)
    partners = with_admin_key(platform.state, "partners")
    partners.post(
        "/v1/partners",
        {
            "partner_id": PARTNER,
            "name": "Northwind",
            "participant_id": "polly",
            "market_id": "eu",
        },
    )
    partners.post(
        f"/v1/partners/{PARTNER}/campaigns",
        {
            "campaign_id": "northwind-autumn",
            "name": "Autumn with Northwind",
            "program_id": "alliance",
            "market_id": "eu",
            "starts_at": (now - timedelta(minutes=1)).isoformat(),
            "ends_at": (now + timedelta(days=30)).isoformat(),
            "destination": "https://shop.example.org/northwind",
            "codes": ["NORTHWIND"],
        },
    )
