"""The choice of infrastructure on real servers, and what a killed run leaves behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from local_stack import Infrastructure, Progress, leftovers, provide, stop_leftovers
from local_stack.errors import AlreadyRunning
from local_stack.processes import spawn, until
from local_stack.ready import postgres_answers

pytestmark = pytest.mark.real

RUN = """
import asyncio, sys
from pathlib import Path
from local_stack import provide

async def main():
    async with provide(Path(sys.argv[1]), environment={"GOODWORD_KAFKA": sys.argv[2]}) as both:
        print("URL", both.postgres_url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def environment(infrastructure: Infrastructure) -> dict[str, str]:
    """The session's broker is given, so that only a database is started."""
    return {"GOODWORD_KAFKA": infrastructure.kafka_bootstrap}


async def test_what_is_given_is_used_and_the_rest_started(
    environment: dict[str, str], tmp_path: Path
) -> None:
    heard: list[Progress] = []
    given = provide(tmp_path, environment=environment, on_progress=heard.append)
    async with given as both:
        assert both.kafka_bootstrap == environment["GOODWORD_KAFKA"]
        assert both.kafka is None
        assert await postgres_answers(both.admin_url)
        url = both.postgres_url
        with pytest.raises(AlreadyRunning, match=str(os.getpid())):
            async with provide(tmp_path, environment=environment):
                pass
    assert heard == [Progress("postgres", None), Progress("postgres", 1.0)]
    assert not await postgres_answers(f"{url}/postgres")
    async with provide(tmp_path, environment=environment) as again:
        assert again.postgres_url == url


async def test_both_given_start_nothing_and_touch_no_folder(
    infrastructure: Infrastructure, environment: dict[str, str], tmp_path: Path
) -> None:
    both = environment | {"GOODWORD_POSTGRES": infrastructure.postgres_url}
    async with provide(tmp_path / "state", environment=both) as given:
        assert given == infrastructure
    assert not (tmp_path / "state").exists()


async def test_leftovers_of_a_killed_run_are_found_and_stopped(
    environment: dict[str, str], tmp_path: Path
) -> None:
    state, log = tmp_path / "state", tmp_path / "log"
    run = spawn([sys.executable, "-c", RUN, state, environment["GOODWORD_KAFKA"]], log=log)
    try:
        assert await until(lambda: b"URL" in log.read_bytes(), timeout_seconds=30)
    finally:
        run.signal(signal.SIGKILL)
    assert await until(lambda: not run.alive, timeout_seconds=5)
    found = leftovers(state)
    assert [leftover.server for leftover in found] == ["postgres"]
    assert await stop_leftovers(state) == found
    assert leftovers(state) == []


async def test_a_cancelled_start_leaves_nothing_running(
    environment: dict[str, str], tmp_path: Path
) -> None:
    async def run() -> None:
        async with provide(tmp_path, environment=environment):
            pass

    task = asyncio.create_task(run())
    record = tmp_path / "stack.json"
    assert await until(record.exists, timeout_seconds=30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert leftovers(tmp_path) == []
