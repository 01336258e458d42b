"""The real application over HTTP in this process, with Kafka in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from litestar import Litestar
from service_kit.http import Internal, create_app
from service_kit.telemetry import Telemetry
from tracking.api import routes_of
from tracking.api.door import Door, open_door
from tracking.store.registry import Registry

from .builders import NOW, Broker, registry, settings


@dataclass(frozen=True, slots=True)
class Site:
    """A client of the application, and what stands behind it."""

    client: httpx.AsyncClient
    broker: Broker
    door: Door


async def _nothing(*_args: object) -> dict[str, object]:
    return {}


async def _ready() -> list[str]:
    return []


async def _none(*_args: object) -> list[dict[str, object]]:
    return []


INTERNAL = Internal(
    not_ready=_ready,
    status=_nothing,
    parked=_none,
    parked_one=_nothing,
    release=_nothing,
    discard=_nothing,
)


def application(door: Door, telemetry: Telemetry) -> Litestar:
    """The kit's application with tracking's routes."""
    return create_app(
        routes_of(door), settings=door.settings, internal=INTERNAL, telemetry=telemetry
    )


@asynccontextmanager
async def site(
    known: Registry | None = None,
    broker: Broker | None = None,
    spool: Path | None = None,
    **changes: object,
) -> AsyncIterator[Site]:
    """The application at a fixed time, with changed settings; without a folder, with no spool."""
    broker, telemetry = broker or Broker(), Telemetry("tracking", ratio=0)
    door = open_door(
        settings(**changes),
        known or registry(),
        publisher=broker,
        traces=telemetry,
        now=lambda: NOW,
    )
    if spool is not None:
        await door.journal.spool.open(spool)
    door.journal.begin()
    transport = httpx.ASGITransport(application(door, telemetry), client=("192.0.2.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://t.example") as client:
        yield Site(client, broker, door)
        await door.journal.close(within_seconds=0)
