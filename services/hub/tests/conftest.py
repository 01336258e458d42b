"""A hub with its database and its routes, and clients that are logged in."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from hub.__main__ import service
from hub.settings import Settings
from hub.store import spans
from litestar import Litestar
from local_stack.testing import FreshDatabase
from pydantic import SecretStr
from service_kit.http import serve
from service_kit.testing import Harness, migrations_of

from . import stories
from .builders import example

AS_OPERATOR = "operator-token-of-a-test"
PUBLIC_URL = "http://localhost:8000"
LogIn = Callable[[str], Awaitable[httpx.AsyncClient]]


def _settings(database: str, *, port: int = 8000) -> Settings:
    return Settings(
        operator_token=SecretStr(AS_OPERATOR),
        login_secret=SecretStr("login-secret-of-a-test-0"),
        public_url=f"http://localhost:{port}",
        port=port,
        database=SecretStr(database),
        state_folder=Path(),
    )


@pytest_asyncio.fixture
async def harness(fresh_database: FreshDatabase) -> AsyncIterator[Harness[Settings]]:
    """The service on an empty database, without Kafka."""
    made = service()
    url = await fresh_database("hub", migrations_of(made))
    async with Harness(made, url, settings=_settings(url)) as running:
        yield running


@pytest.fixture
def app(harness: Harness[Settings]) -> Litestar:
    """Its application, as the kit serves it, with the kit's own routes."""
    return harness.app()


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
    async with _client(app, authorization=f"Bearer {AS_OPERATOR}") as http:
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


@pytest_asyncio.fixture
async def origin(fresh_database: FreshDatabase) -> AsyncIterator[str]:
    """The address of a hub that serves browsers and has heard every story."""
    made = service()
    url = await fresh_database("hub", migrations_of(made))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    async with Harness(made, url, settings=_settings(url, port=port)) as harness:
        await _hear_everything(harness)
        stop = asyncio.Event()
        serving = asyncio.create_task(serve(harness.app(), harness.runtime.settings, stop))
        patient = httpx.AsyncHTTPTransport(retries=8)  # until it listens
        async with httpx.AsyncClient(transport=patient) as http:
            assert (await http.get(f"http://localhost:{port}/health/live")).status_code == 200
        yield f"http://localhost:{port}"
        stop.set()
        await serving


async def _hear_everything(harness: Harness[Settings]) -> None:
    await harness.hear_table(*(example(name) for name in stories.TABLES))
    for story in stories.ALL:
        await harness.deliver(*story.events)
    others = ("referral.opened.v1", "touches.counted.v1", "event.parked.v1")
    await harness.deliver(*(example(name) for name in others))
    async with harness.transaction() as tx:
        await spans.save(tx, stories.spans_of(stories.paid()))


@pytest.fixture
def link(origin: str) -> Callable[[str], Awaitable[str]]:
    """Makes one-time links of the hub that serves browsers."""

    async def make(subject: str) -> str:
        headers = {"authorization": f"Bearer {AS_OPERATOR}"}
        async with httpx.AsyncClient(base_url=origin, headers=headers) as http:
            answer = await http.post("/internal/logins", json={"subject": subject})
        return str(answer.json()["url"])

    return make
