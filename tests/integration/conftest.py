"""One platform for all integration tests: every service, two instances of those that decide."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest_asyncio
from goodword.commands.organisation import applied, read_document
from goodword.platform import Choice, Running, running_on
from local_stack import Infrastructure

from .shop import Shop

ORGANISATION = Path(__file__).with_name("organisation.yaml")
TWICE = dict.fromkeys(("attribution", "fraud", "rewards", "notifications", "hub"), 2)


@pytest_asyncio.fixture(scope="session")
async def platform(
    infrastructure: Infrastructure, tmp_path_factory: object
) -> AsyncIterator[Running]:
    """All services as processes on the session's stack, with the tests' organisation applied."""
    state = tmp_path_factory.mktemp("platform")  # type: ignore[attr-defined]
    prefix = f"it{uuid4().hex[:6]}."
    extra = {"all": {"GOODWORD_TOPIC_PREFIX": prefix, "GOODWORD_TRACE_SAMPLE_RATIO": "1"}}
    choice = Choice.of(scale=TWICE, extra=extra)
    async with running_on(infrastructure, state, choice) as running:
        await asyncio.to_thread(applied, state, read_document(ORGANISATION))
        yield running


@pytest_asyncio.fixture
async def shop(platform: Running) -> AsyncIterator[Shop]:
    """A shop on the platform, once its links and keys are known to tracking."""
    async with httpx.AsyncClient(timeout=30) as http:
        made = Shop(platform, http)
        await made.settled()
        yield made
