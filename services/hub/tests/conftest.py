"""A hub with its database and its routes, and clients that are logged in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from hub.__main__ import service
from hub.api import routes
from hub.settings import Settings
from litestar import Litestar
from local_stack.testing import FreshDatabase
from pydantic import SecretStr
from service_kit.http import create_app
from service_kit.status import Parts, internal
from service_kit.testing import Harness, migrations_of

OPERATOR_TOKEN = "operator-token-of-a-test"
PUBLIC_URL = "http://localhost:8000"
LogIn = Callable[[str], Awaitable[httpx.AsyncClient]]


@pytest_asyncio.fixture
async def harness(fresh_database: FreshDatabase) -> AsyncIterator[Harness[Settings]]:
    """The service on an empty database, without Kafka."""
    made = service()
    url = await fresh_database("hub", migrations_of(made))
    settings = Settings(
        operator_token=SecretStr(OPERATOR_TOKEN),
        login_secret=SecretStr("login-secret-of-a-test-0"),
        public_url=PUBLIC_URL,
        database=SecretStr(url),
        state_folder=Path(),
    )
    async with Harness(made, url, settings=settings) as running:
        yield running


@pytest.fixture
def app(harness: Harness[Settings]) -> Litestar:
    """Its application, as the kit serves it, with the kit's own routes."""
    runtime = harness.runtime
    return create_app(
        routes(runtime),
        settings=runtime.settings,
        internal=internal(runtime, Parts()),
        telemetry=runtime.telemetry,
    )


def _client(app: Litestar, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL, headers=headers)


@pytest_asyncio.fixture
async def stranger(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a session."""
    async with _client(app) as http:
        yield http


@pytest_asyncio.fixture
async def operator(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the operator token."""
    async with _client(app, authorization=f"Bearer {OPERATOR_TOKEN}") as http:
        yield http


@pytest_asyncio.fixture
async def log_in(app: Litestar, operator: httpx.AsyncClient) -> AsyncIterator[LogIn]:
    """Opens a session as a participant, or as `operator`."""
    opened: list[httpx.AsyncClient] = []

    async def enter(subject: str) -> httpx.AsyncClient:
        made = await operator.post("/internal/logins", json={"subject": subject})
        client = _client(app)
        opened.append(client)
        answer = await client.post(made.json()["url"])
        assert answer.status_code == 303
        return client

    yield enter
    for client in opened:
        await client.aclose()
