"""Pytest fixtures for the real broker and database: one stack per run, names apart per test.

Register once, in the root conftest: `pytest_plugins = ["local_stack.testing"]`.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from .errors import AlreadyRunning
from .infrastructure import Infrastructure
from .leftovers import erase
from .providing import provide

Migrate = Callable[[str], Awaitable[object]]


class FreshDatabase(Protocol):
    """Gives the URL of an empty, migrated database that is dropped after the test."""

    async def __call__(self, name: str, migrate: Migrate) -> str:
        """`migrate(url)` runs once per session and name, and must close its connections."""


class Templates:
    """Migrated databases of this session, to be cloned: one by name."""

    def __init__(self, infrastructure: Infrastructure) -> None:
        self._infrastructure = infrastructure
        self._session = uuid4().hex[:8]
        self._made: dict[str, str] = {}

    async def clone(self, name: str, migrate: Migrate) -> str:
        """Create a database from the template of this name; returns its own name."""
        template = self._made.get(name) or await self._make(name, migrate)
        clone = f"t_{name}_{uuid4().hex[:8]}"
        await self._run(f'CREATE DATABASE "{clone}" TEMPLATE "{template}"')
        return clone

    async def drop(self, database: str) -> None:
        """Drop a database, whoever is connected."""
        await self._run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    async def drop_all(self) -> None:
        """Drop the templates: the server may outlive the session."""
        for template in self._made.values():
            await self.drop(template)

    async def _make(self, name: str, migrate: Migrate) -> str:
        template = f"template_{name}_{self._session}"
        await self.drop(template)
        await self._run(f'CREATE DATABASE "{template}"')
        await migrate(self._infrastructure.database_url(template))
        self._made[name] = template
        return template

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self._infrastructure.admin_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@asynccontextmanager
async def session_state(parent: Path) -> AsyncIterator[Path]:
    """A folder for one session's stack; those of killed sessions are stopped and deleted."""
    for old in _earlier(parent):
        try:
            await erase(old)
        except AlreadyRunning:
            continue
    state = parent / uuid4().hex[:12]
    try:
        yield state
    finally:
        await erase(state)
        shutil.rmtree(state, ignore_errors=True)


def _earlier(parent: Path) -> list[Path]:
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return sorted(path for path in parent.iterdir() if path.is_dir())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def infrastructure() -> AsyncIterator[Infrastructure]:
    """The one stack of this run: the servers of the environment, or started for the session."""
    parent = Path(tempfile.gettempdir()) / f"goodword-tests-{os.geteuid()}"
    async with session_state(parent) as state, provide(state) as provided:
        yield provided


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database_templates(infrastructure: Infrastructure) -> AsyncIterator[Templates]:
    """The migrated databases that `fresh_database` clones."""
    templates = Templates(infrastructure)
    yield templates
    await templates.drop_all()


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that no other test uses, in this run or another on the same broker."""
    return f"t{uuid4().hex[:10]}."


@pytest_asyncio.fixture(loop_scope="session")
async def fresh_database(
    infrastructure: Infrastructure, database_templates: Templates
) -> AsyncIterator[FreshDatabase]:
    """`url = await fresh_database("rewards", migrate)`."""
    clones: list[str] = []

    async def create(name: str, migrate: Migrate) -> str:
        clones.append(await database_templates.clone(name, migrate))
        return infrastructure.database_url(clones[-1])

    yield create
    for clone in clones:
        await database_templates.drop(clone)
