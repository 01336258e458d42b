"""Attribution on a database of its own, without Kafka."""

from collections.abc import AsyncIterator

import pytest_asyncio
from attribution.__main__ import SERVICE
from attribution.settings import Settings
from service_kit.testing import Harness, migrations_of

from .builders import settings
from .control_plane import control_plane


@pytest_asyncio.fixture(loop_scope="session")
async def database_url(fresh_database) -> str:
    """An empty database with attribution's tables."""
    return str(await fresh_database("attribution", migrations_of(SERVICE)))


@pytest_asyncio.fixture(loop_scope="session")
async def bare(database_url: str) -> AsyncIterator[Harness[Settings]]:
    """The service, which has heard of nothing."""
    async with Harness(SERVICE, database_url, settings(database_url)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def harness(bare: Harness[Settings]) -> Harness[Settings]:
    """The service, knowing a market, two programs, three participants and their codes."""
    await bare.hear_table(*control_plane())
    return bare
