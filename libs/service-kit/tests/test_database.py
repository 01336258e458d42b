"""Reaching PostgreSQL: bounded, named, in UTC; a fresh connection proves that it answers."""

import asyncpg
import pytest
import pytest_asyncio
from local_stack.testing import FreshDatabase
from service_kit.database import Database

pytestmark = pytest.mark.real


async def nothing(_url: str) -> None:
    """An empty database needs no migration."""


@pytest_asyncio.fixture(loop_scope="session")
async def database(fresh_database: FreshDatabase) -> Database:
    """A database with narrow bounds."""
    return Database(
        url=await fresh_database("empty", nothing),
        application_name="rewards-0",
        pool_max_connections=2,
        command_timeout_seconds=0.5,
    )


async def test_a_connection_says_who_it_is_and_lives_in_utc(database: Database) -> None:
    async with database.fresh_connection() as connection:
        assert await connection.fetchval("SHOW application_name") == "rewards-0"
        assert await connection.fetchval("SHOW timezone") == "UTC"
        assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "1min"


async def test_its_password_does_not_show(database: Database) -> None:
    assert database.url not in repr(database)


async def test_a_statement_that_takes_too_long_ends(database: Database) -> None:
    async with database.fresh_connection() as connection:
        with pytest.raises(TimeoutError):
            await connection.execute("SELECT pg_sleep(20)")


async def test_a_plan_made_while_a_table_is_small_goes_by_its_index(database: Database) -> None:
    async with database.fresh_connection() as connection:
        await connection.execute("CREATE TEMP TABLE growing (id text PRIMARY KEY)")
        await connection.execute("INSERT INTO growing VALUES ('a'), ('b')")
        await connection.execute("ANALYZE growing")
        plan = await connection.fetch("EXPLAIN SELECT FROM growing WHERE id = ANY('{a,b}')")
    assert not [line for (line,) in plan if "Seq Scan" in line]


async def test_the_pool_opens_no_more_than_its_bound(database: Database) -> None:
    pool = await database.open_pool()
    try:
        async with pool.acquire(), pool.acquire():
            assert pool.get_size() == 2
            with pytest.raises(TimeoutError):
                await pool.acquire(timeout=0.05)
    finally:
        await pool.close()


async def test_giving_a_connection_back_costs_nothing_but_ends_an_open_transaction(
    database: Database,
) -> None:
    pool = await database.open_pool()
    try:
        async with pool.acquire() as connection:
            process = await connection.fetchval("SELECT pg_backend_pid()")
        async with database.fresh_connection() as other:
            last = "SELECT query FROM pg_stat_activity WHERE pid = $1"
            assert await other.fetchval(last, process) == "SELECT pg_backend_pid()"
        async with pool.acquire() as connection:
            await connection.execute("BEGIN")
        async with pool.acquire() as connection:
            assert await connection.fetchval("SELECT pg_backend_pid()") == process
            assert not connection.is_in_transaction()
    finally:
        await pool.close()


async def test_a_fresh_connection_in_an_open_transaction_is_cut_not_awaited(
    database: Database,
) -> None:
    async with database.fresh_connection() as connection:
        await connection.execute("BEGIN; CREATE TABLE half (id int)")
    async with database.fresh_connection() as connection:
        assert await connection.fetchval("SELECT to_regclass('half')") is None


async def test_a_database_that_requires_what_the_server_lacks_is_not_reached(
    database: Database,
) -> None:
    demanding = Database(url=database.url, tls="require")
    with pytest.raises((ConnectionError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await demanding.connect()
