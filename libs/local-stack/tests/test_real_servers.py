"""The servers themselves, in a deep and private folder whose name holds a blank."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from local_stack import LocalKafka, LocalPostgres, erase
from local_stack.errors import PortTaken, StartFailed
from local_stack.jars import user_cache
from local_stack.postgres_account import relocated, relocated_home
from local_stack.processes import running_as_root
from local_stack.progress import silent
from local_stack.providing import fetch_jars
from local_stack.ready import postgres_answers

from .clients import create_topic, first_message, run_sql, send

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    private = tmp_path_factory.mktemp("private home")
    private.chmod(0o700)
    return private.joinpath(*["a folder with a long name"] * 6)


@pytest_asyncio.fixture(scope="module")
async def kafka(deep: Path) -> AsyncIterator[LocalKafka]:
    await fetch_jars(user_cache(), silent)
    server = LocalKafka(deep)
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="module")
async def postgres(deep: Path) -> AsyncIterator[LocalPostgres]:
    server = LocalPostgres(deep)
    await server.start()
    yield server
    await server.stop()


async def test_an_acknowledged_message_survives_a_kill(kafka: LocalKafka) -> None:
    url, pid = kafka.url, kafka.pid
    await create_topic(url, "kept")
    await send(url, "kept", b"here")
    await kafka.kill()
    assert not kafka.alive
    await kafka.restart()
    assert kafka.url == url
    assert kafka.pid != pid
    assert await first_message(url, "kept") == b"here"


async def test_a_committed_row_survives_a_kill_with_clients_connected(
    postgres: LocalPostgres,
) -> None:
    url = f"{postgres.url}/postgres"
    connected = [await asyncpg.connect(url) for _ in range(3)]
    await connected[0].execute("CREATE TABLE kept AS SELECT 42 AS answer")
    await postgres.kill()
    await postgres.restart()
    assert f"{postgres.url}/postgres" == url
    assert await run_sql(url, "SELECT answer FROM kept") == 42
    for connection in connected:
        connection.terminate()


async def test_a_frozen_database_answers_nobody_until_it_is_thawed(
    postgres: LocalPostgres,
) -> None:
    connection = await asyncpg.connect(f"{postgres.url}/postgres")
    postgres.freeze()
    assert postgres.alive
    answer = asyncio.create_task(connection.fetchval("SELECT 1"))
    done, _ = await asyncio.wait([answer], timeout=0.3)
    assert not done
    postgres.thaw()
    assert await answer == 1
    await connection.close()
    assert await postgres_answers(f"{postgres.url}/postgres")


async def test_commits_are_durable(postgres: LocalPostgres) -> None:
    url = f"{postgres.url}/postgres"
    assert await run_sql(url, "SHOW fsync") == "on"
    assert await run_sql(url, "SHOW synchronous_commit") == "on"


async def test_a_port_taken_meanwhile_is_told_on_restart_and_avoided_on_start(
    postgres: LocalPostgres, deep: Path
) -> None:
    port = postgres.port
    await postgres.stop()
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(PortTaken, match=str(port)):
            await postgres.restart()
        other = LocalPostgres(deep)
        await other.start()
        assert other.port != port
        await other.stop()
    await postgres.restart()
    assert postgres.port == port


async def test_a_server_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    server = LocalPostgres(tmp_path)
    await server.start()
    await server.stop()
    (tmp_path / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(StartFailed, match="version") as caught:
        await server.start()
    assert caught.value.log.exists()
    assert not server.alive


@pytest.mark.skipif(not running_as_root(), reason="only root can become another account")
async def test_root_without_user_namespaces_runs_it_as_another_account(deep: Path) -> None:
    state = deep / "relocated"
    server = LocalPostgres(state, host=relocated)
    await server.start()
    try:
        assert await run_sql(f"{server.url}/postgres", "SELECT 1") == 1
        assert relocated_home(state / "postgres" / "data").stat().st_mode & 0o077 == 0
    finally:
        await server.stop()
        await erase(state)
    assert not relocated_home(state / "postgres" / "data").exists()
