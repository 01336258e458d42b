"""Crash points: a registry that is complete, and a kill at exactly the named passage."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import service_kit
from service_kit.crash import CRASH_POINTS, armed

SOURCES = Path(service_kit.__file__).parent


def test_an_unarmed_point_does_nothing() -> None:
    point = armed({})
    for name in CRASH_POINTS:
        point(name)


def test_the_process_dies_at_the_third_passage_of_the_named_point() -> None:
    program = (
        "from service_kit.crash import crash_point\n"
        "for turn in range(1, 5):\n"
        "    print(turn, flush=True)\n"
        "    crash_point('another')\n"
        "    crash_point('before_commit')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"GOODWORD_CRASH_AT": "before_commit:3"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.stdout.split() == ["1", "2", "3"]
    assert ended.returncode == -signal.SIGKILL


def test_the_registry_names_exactly_the_points_that_the_kit_passes() -> None:
    sources = "".join(file.read_text() for file in SOURCES.rglob("*.py") if file.name != "crash.py")
    calls = "".join(re.findall(r"crash_point\((.*)\)", sources))
    literal = set(re.findall(r"(?<!f)\"(\w+)\"", calls))
    steps = re.findall(r"step=\"(\w+)\"", sources)
    composed = {
        name.format(step=step)
        for name in re.findall(r"f\"(\w*{step}\w*)\"", calls)
        for step in steps
    }
    assert literal | composed == set(CRASH_POINTS)
