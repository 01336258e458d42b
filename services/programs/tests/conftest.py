"""The control plane on a database of its own, and its HTTP application."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar
from programs.__main__ import service
from programs.settings import Settings
from service_kit.testing import Harness, migrations_of

from .builders import settings


@pytest_asyncio.fixture(loop_scope="session")
async def harness(fresh_database) -> AsyncIterator[Harness[Settings]]:
    """The service on an empty database, without Kafka."""
    template = service(settings("postgresql://nobody@localhost/none"))
    url = await fresh_database("programs", migrations_of(template))
    made = settings(url)
    async with Harness(service(made), url, made) as running:
        yield running


@pytest.fixture
def app(harness: Harness[Settings]) -> Litestar:
    """Its routes, as the kit would serve them."""
    return harness.app()


@pytest_asyncio.fixture(loop_scope="session")
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the routes, in this event loop."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://programs.test") as http:
        yield http
