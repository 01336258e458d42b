"""Rewards on a database of its own, without Kafka."""

from collections.abc import AsyncIterator

import pytest_asyncio
from rewards.__main__ import SERVICE
from rewards.settings import RewardsSettings
from service_kit.testing import Harness, migrations_of

from .builders import settings


@pytest_asyncio.fixture(loop_scope="session")
async def database_url(fresh_database) -> str:
    """An empty database with rewards' tables."""
    return str(await fresh_database("rewards", migrations_of(SERVICE)))


@pytest_asyncio.fixture(loop_scope="session")
async def harness(database_url: str) -> AsyncIterator[Harness[RewardsSettings]]:
    """The service on that database."""
    async with Harness(SERVICE, database_url, settings(database_url)) as running:
        yield running
