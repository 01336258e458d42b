"""What runs, as it is written down for other processes and the next run."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from goodword.errors import NotRunning
from goodword.platform.record import (
    RUN_FILE,
    Recorded,
    Run,
    end_leftovers,
    held,
    identity_of,
    leftovers,
    read_living_run,
    read_run,
    this_process,
    write_run,
)
from local_stack.errors import AlreadyRunning
from local_stack.processes import Identity

GONE = Identity(pid=2**22 - 3, started_at=1.0)


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])


def left(process: Identity) -> Run:
    place = Recorded(service="rewards", ordinal=0, url="http://127.0.0.1:1", process=process)
    return Run(supervisor=GONE, instances=(place,))


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    run = replace(
        left(this_process()),
        supervisor=this_process(),
        kafka="k",
        postgres="p",
        topic_prefix="t.",
        ports={"rewards-0": 20_001},
    )
    write_run(tmp_path, run)
    assert read_run(tmp_path) == run
    assert read_living_run(tmp_path) == run
    assert read_run(tmp_path).instances[0].name == "rewards-0"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"instances": 3}', '{"ports": {}}'])
def test_an_unreadable_record_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / RUN_FILE).write_text(text)
    assert read_run(tmp_path) == Run()


def test_a_run_whose_supervisor_is_gone_does_not_run(tmp_path: Path) -> None:
    write_run(tmp_path, left(this_process()))
    with pytest.raises(NotRunning, match="goodword up"):
        read_living_run(tmp_path)


async def test_services_of_a_killed_run_are_found_and_ended(tmp_path: Path) -> None:
    process = sleeper()
    try:
        write_run(tmp_path, left(identity_of(process.pid)))
        assert [place.name for place in leftovers(tmp_path)] == ["rewards-0"]
        assert [place.name for place in await end_leftovers(tmp_path)] == ["rewards-0"]
        assert process.wait(timeout=5) != 0
        assert leftovers(tmp_path) == []
    finally:
        process.kill()


async def test_a_process_that_only_has_the_same_pid_is_left_alone(tmp_path: Path) -> None:
    process = sleeper()
    try:
        other = replace(identity_of(process.pid), started_at=1_000_000.0)
        write_run(tmp_path, left(other))
        assert await end_leftovers(tmp_path) == []
        assert process.poll() is None
    finally:
        process.kill()
        process.wait(timeout=5)


def test_a_living_run_has_no_leftovers(tmp_path: Path) -> None:
    write_run(tmp_path, replace(left(this_process()), supervisor=this_process()))
    assert leftovers(tmp_path) == []


def test_one_supervisor_at_a_time_holds_the_folder(tmp_path: Path) -> None:
    write_run(tmp_path, Run(supervisor=this_process()))
    pid = str(this_process().pid)
    with held(tmp_path), pytest.raises(AlreadyRunning, match=pid), held(tmp_path):
        pass
    with held(tmp_path):
        assert json.loads((tmp_path / RUN_FILE).read_text())["supervisor"]
