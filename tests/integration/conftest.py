"""One platform for all integration tests: two instances of every service."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from goodword.commands.organisation import applied, read_document
from goodword.demo.receiver import Receiver
from goodword.platform import Choice, Ended, PlatformEvent, Running, running_on
from goodword.platform.catalogue import SERVICES
from local_stack import Infrastructure

from .shop import Shop

ORGANISATION = Path(__file__).with_name("organisation.yaml")
TWICE = dict.fromkeys(SERVICES, 2)
SETTINGS = {
    "all": {"GOODWORD_TRACE_SAMPLE_RATIO": "1"},
    "notifications": {"GOODWORD_WEBHOOK_ALLOW_LOOPBACK": "true"},
    "rewards": {"GOODWORD_RAIL_TIMEOUT_SECONDS": "2", "GOODWORD_PAYOUT_LEASE_SECONDS": "5"},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What fills the platform with orders comes last: others read all of its records and rows."""
    items.sort(key=lambda item: item.path.name == "test_crash_points.py")


@pytest.fixture(scope="session")
def endings() -> list[Ended]:
    """Every end of a service's process in this session, in order."""
    return []


@pytest_asyncio.fixture(scope="session")
async def platform(
    infrastructure: Infrastructure,
    tmp_path_factory: pytest.TempPathFactory,
    endings: list[Ended],
) -> AsyncIterator[Running]:
    """All services as processes on the session's stack, with the tests' organisation applied."""
    state = tmp_path_factory.mktemp("platform")
    prefix = {"GOODWORD_TOPIC_PREFIX": f"it{uuid4().hex[:6]}."}
    choice = Choice.of(scale=TWICE, extra=SETTINGS | {"all": SETTINGS["all"] | prefix})

    def note(event: PlatformEvent) -> None:
        if isinstance(event, Ended):
            endings.append(event)

    async with running_on(infrastructure, state, choice, note) as running:
        await asyncio.to_thread(applied, state, read_document(ORGANISATION))
        yield running


@pytest_asyncio.fixture
async def shop(platform: Running) -> AsyncIterator[Shop]:
    """A shop on the platform, once its links and keys are known to tracking."""
    async with httpx.AsyncClient(timeout=30) as http:
        made = Shop(platform, http)
        await made.settled()
        yield made


@pytest.fixture
def outside() -> Iterator[Receiver]:
    """Somebody else's web server, which takes webhooks."""
    with Receiver.listening() as receiver:
        yield receiver
