"""Migrations: once, in order, each whole; a changed file is refused, a newer database is not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from local_stack.testing import FreshDatabase
from service_kit.migrate import MigrationRefused, migrate, missing, read_migrations

pytestmark = pytest.mark.real
FIRST = "CREATE TABLE things (id int PRIMARY KEY);\nINSERT INTO things VALUES (1);"
SECOND = "ALTER TABLE things ADD COLUMN name text; UPDATE things SET name = 'one';"


async def nothing(_url: str) -> None:
    """An empty database needs no migration."""


@pytest_asyncio.fixture(loop_scope="session")
async def database(fresh_database: FreshDatabase) -> str:
    """The URL of an empty database."""
    return await fresh_database("empty", nothing)


@pytest_asyncio.fixture(loop_scope="session")
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to it."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations."""
    (tmp_path / "0001_things.sql").write_text(FIRST)
    (tmp_path / "0002_name_things.sql").write_text(SECOND)
    return tmp_path


async def test_every_file_is_applied_once_and_in_order(
    connection: asyncpg.Connection, folder: Path
) -> None:
    migrations = read_migrations("rewards", folder)
    assert await migrate(connection, migrations) == 2
    assert await migrate(connection, migrations) == 0
    assert await connection.fetchval("SELECT name FROM things") == "one"
    assert await missing(connection, migrations) == ()


async def test_namespaces_do_not_share_numbers(
    connection: asyncpg.Connection, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kit = tmp_path_factory.mktemp("kit")
    (kit / "0001_inbox.sql").write_text("CREATE TABLE inbox (id int)")
    both = [*read_migrations("kit", kit), *read_migrations("rewards", folder)]
    assert await migrate(connection, both) == 3


async def test_a_changed_file_is_refused_and_named(
    connection: asyncpg.Connection, folder: Path
) -> None:
    await migrate(connection, read_migrations("rewards", folder))
    (folder / "0001_things.sql").write_text(FIRST.replace("\n", "\r\n"))
    assert await migrate(connection, read_migrations("rewards", folder)) == 0
    (folder / "0001_things.sql").write_text(FIRST + " -- and more")
    with pytest.raises(MigrationRefused, match="rewards 0001_things has changed"):
        await migrate(connection, read_migrations("rewards", folder))


async def test_a_database_newer_than_the_image_is_tolerated(
    connection: asyncpg.Connection, folder: Path
) -> None:
    await migrate(connection, read_migrations("rewards", folder))
    (folder / "0002_name_things.sql").unlink()
    older = read_migrations("rewards", folder)
    assert await missing(connection, older) == ()
    assert await migrate(connection, older) == 0


async def test_a_failing_migration_leaves_nothing_behind(
    connection: asyncpg.Connection, folder: Path
) -> None:
    (folder / "0003_wrong.sql").write_text("CREATE TABLE half (id int); SELECT 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, read_migrations("rewards", folder))
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    (lacking,) = await missing(connection, read_migrations("rewards", folder))
    assert str(lacking) == "rewards 0003_wrong"


async def test_instances_that_start_together_take_turns(database: str, folder: Path) -> None:
    migrations = read_migrations("rewards", folder)
    connections = [await asyncpg.connect(database) for _ in range(4)]
    applied = await asyncio.gather(*(migrate(one, migrations) for one in connections))
    assert sorted(applied) == [0, 0, 0, 2]
    for one in connections:
        await one.close()


@pytest.mark.parametrize("name", ["2_short.sql", "0002-dashes.sql", "0004_gap.sql"])
def test_odd_names_and_gaps_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "0001_things.sql").write_text(FIRST)
    (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationRefused):
        read_migrations("rewards", tmp_path)
