"""Fraud on a database of its own, and its HTTP application."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from fraud.__main__ import service
from fraud.settings import Settings
from service_kit.testing import Harness, migrations_of

from .builders import participant, program, settings


@pytest_asyncio.fixture(loop_scope="session")
async def database(fresh_database) -> str:
    """The URL of an empty database of fraud's."""
    template = service(settings("postgresql://nobody@localhost/none"))
    return await fresh_database("fraud", migrations_of(template))


@pytest_asyncio.fixture(loop_scope="session")
async def harness(database: str) -> AsyncIterator[Harness[Settings]]:
    """The service, without Kafka, knowing one program and one participant."""
    made = settings(database)
    async with Harness(service(made), database, made) as running:
        await running.hear_table(program(), participant("ann", customer_id="ann", email="ann@"))
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def client(harness: Harness[Settings]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of fraud's routes."""
    transport = httpx.ASGITransport(harness.app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://fraud.test") as http:
        yield http
