import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from local_stack.errors import AlreadyRunning
from local_stack.leftovers import leftovers, stop_leftovers
from local_stack.processes import Child, Identity, end, freeze, spawn, thaw, until
from local_stack.state import Record, StateFolder
from local_stack.testing import session_state


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Child]:
    child = spawn(["sleep", "60"], log=tmp_path / "log")
    yield child
    child.popen.kill()
    child.popen.wait()


def test_a_reused_pid_is_not_taken_for_ours(sleeper: Child) -> None:
    assert sleeper.identity.find() is not None
    assert Identity(sleeper.identity.pid, sleeper.identity.started_at - 60).find() is None


async def test_ending_takes_the_next_signal_when_one_is_ignored(tmp_path: Path) -> None:
    command = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"]
    child = spawn(command, log=tmp_path / "log")
    assert await until(lambda: b"ready" in (tmp_path / "log").read_bytes(), timeout_seconds=10)
    await end(child, signals=(signal.SIGTERM, signal.SIGKILL), patience_seconds=0.2)
    assert child.popen.returncode == -signal.SIGKILL


async def test_a_frozen_process_can_be_thawed_and_ended(sleeper: Child) -> None:
    process = psutil.Process(sleeper.identity.pid)
    freeze(sleeper)
    assert await until(lambda: process.status() == psutil.STATUS_STOPPED, timeout_seconds=5)
    thaw(sleeper)
    assert await until(lambda: process.status() != psutil.STATUS_STOPPED, timeout_seconds=5)
    freeze(sleeper)
    await end(sleeper, signals=(signal.SIGTERM,), patience_seconds=5)
    assert not sleeper.alive


async def test_a_leftover_is_found_and_stopped(sleeper: Child, tmp_path: Path) -> None:
    folder = StateFolder.at(tmp_path)
    folder.record("kafka", Record((20_001, 20_002), sleeper.identity))
    assert [found.process.pid for found in leftovers(tmp_path)] == [sleeper.identity.pid]
    assert len(await stop_leftovers(tmp_path)) == 1
    assert not sleeper.alive
    assert leftovers(tmp_path) == []
    assert folder.records()["kafka"].ports == (20_001, 20_002)


async def test_servers_of_a_living_run_are_no_leftovers(sleeper: Child, tmp_path: Path) -> None:
    folder = StateFolder.at(tmp_path)
    folder.record("kafka", Record((), sleeper.identity))
    with folder.held():
        assert leftovers(tmp_path) == []
        with pytest.raises(AlreadyRunning):
            await stop_leftovers(tmp_path)
    assert sleeper.alive


async def test_a_test_run_stops_what_killed_ones_left(sleeper: Child, tmp_path: Path) -> None:
    killed, living = StateFolder.at(tmp_path / "killed"), StateFolder.at(tmp_path / "living")
    killed.path.mkdir()
    killed.record("kafka", Record((), sleeper.identity))
    with living.held():
        async with session_state(tmp_path) as state:
            assert not sleeper.alive
            assert not killed.path.exists()
            assert living.path.exists()
            assert state.parent == tmp_path
