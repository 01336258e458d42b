"""One supervised process: brought back, stopped, given up, and never outliving its parent."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
from goodword.platform.events import Ended, PlatformEvent, Starting, Wrote, silent
from goodword.platform.instance import Instance, fresh_log, pause_seconds
from local_stack.ports import free_port

from .fakes import REFUSES, SERVICE, program
from .waiting import until

PARENT = """
import asyncio, os, sys
from pathlib import Path
from goodword.platform.child import spawn
async def main():
    child = await spawn(
        [sys.executable, "-S", "-c", "import time; time.sleep(60)"],
        environment={}, folder=Path(sys.argv[1]),
    )
    print(child.pid, flush=True)
    await child.wait()
asyncio.run(main())
"""


def instance(folder: Path, source: str = SERVICE) -> tuple[Instance, list[PlatformEvent]]:
    heard: list[PlatformEvent] = []
    made = Instance(
        program(folder, free_port(), source=source), on_event=heard.append, changed=lambda: None
    )
    return made, heard


def test_pauses_double_up_to_a_bound() -> None:
    pauses = [pause_seconds(failures) for failures in range(1, 8)]
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


async def test_a_killed_process_is_started_again_and_the_stop_is_clean(tmp_path: Path) -> None:
    kept, heard = instance(tmp_path)
    kept.start()
    try:
        await until(lambda: Wrote("rewards-0", "begins") in heard)
        first = kept.pid
        kept.was_ready = True
        await kept.kill()
        await until(lambda: sum(isinstance(each, Starting) for each in heard) == 2)
        assert kept.pid not in (None, first)
        assert Ended("rewards-0", -signal.SIGKILL, 0.2) in heard
        await until(lambda: heard.count(Wrote("rewards-0", "begins")) == 2)
    finally:
        await kept.stop(10)
    assert heard[-1] == Wrote("rewards-0", "ended in order")
    assert kept.pid is None
    assert "ended in order" in kept.program.log.read_text()


async def test_a_restart_is_clean_and_at_once(tmp_path: Path) -> None:
    kept, heard = instance(tmp_path)
    kept.start()
    try:
        await until(lambda: Wrote("rewards-0", "begins") in heard)
        first = kept.pid
        kept.was_ready = True
        await kept.end_and_start(10)
        assert kept.pid not in (None, first)
        assert Ended("rewards-0", 0, 0.0) in heard
    finally:
        await kept.stop(10)


async def test_what_is_given_once_is_gone_at_the_start_after(tmp_path: Path) -> None:
    source = "import os; print(os.environ.get('ONCE', 'nothing'), flush=True)\n"
    kept, heard = instance(tmp_path, source + SERVICE)
    kept.start()
    try:
        await until(lambda: Wrote("rewards-0", "begins") in heard)
        kept.was_ready = True
        await kept.end_and_start(10, {"ONCE": "given"})
        await until(lambda: heard.count(Wrote("rewards-0", "begins")) == 2)
        await kept.kill()
        await until(lambda: heard.count(Wrote("rewards-0", "begins")) == 3)
    finally:
        await kept.stop(10)
    said = [each.line for each in heard if isinstance(each, Wrote)]
    assert [line for line in said if line in ("given", "nothing")] == [
        "nothing",
        "given",
        "nothing",
    ]


async def test_a_service_that_never_starts_is_given_up_with_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    kept, heard = instance(tmp_path, REFUSES)
    kept.start()
    await until(lambda: kept.gave_up is not None)
    assert kept.gave_up == "it ended with exit code 2"
    assert kept.tail() == "  GOODWORD_DATABASE is missing"
    assert sum(isinstance(each, Starting) for each in heard) == 3
    await kept.stop(1)


async def test_a_process_that_ignores_the_stop_is_killed(tmp_path: Path) -> None:
    source = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
    kept, heard = instance(tmp_path, f"{source}; time.sleep(60)")
    kept.start()
    await until(lambda: Wrote("rewards-0", "1") in heard)
    await kept.stop(0.1)
    assert kept.pid is None


async def test_a_line_without_end_is_read_whole(tmp_path: Path) -> None:
    source = "import time; print('x' * 300_000, end='', flush=True); time.sleep(0.1)"
    kept, heard = instance(tmp_path, source)
    kept.start()
    await until(lambda: any(isinstance(each, Wrote) for each in heard))
    await kept.stop(5)
    assert {len(each.line) for each in heard if isinstance(each, Wrote)} == {300_000}


def test_a_child_ends_with_its_killed_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(timeout=5)
    with suppress(psutil.NoSuchProcess):
        child.wait(timeout=5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_the_log_of_the_last_run_is_kept_once(tmp_path: Path) -> None:
    log = tmp_path / "rewards-0.log"
    assert fresh_log(log) == log
    log.write_text("before")
    fresh_log(log)
    assert not log.exists()
    assert (tmp_path / "rewards-0.log.1").read_text() == "before"


def test_an_instance_says_where_it_is(tmp_path: Path) -> None:
    made = Instance(program(tmp_path, 20_123), on_event=silent, changed=lambda: None)
    assert (made.name, made.service, made.url) == (
        "rewards-0",
        "rewards",
        "http://127.0.0.1:20123",
    )
