"""The click-to-notification story, and a replay, as a newcomer runs them: one command each."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from goodword.demo.comparing import load_expected
from goodword.platform.record import read_run

pytestmark = [pytest.mark.real, pytest.mark.timeout(420)]
_SECONDS = 400


def goodword(*arguments: str, state: Path) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON of the last line, everything said. On a stack of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GOODWORD_")}
    run = subprocess.run(
        [sys.executable, "-m", "goodword", *arguments, "--json", "--state", str(state)],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        env=environment,
        check=False,
    )
    said = run.stdout + run.stderr
    last = run.stdout.strip().rpartition("\n")[2]
    return run.returncode, json.loads(last) if last.startswith("{") else {}, said


def test_every_journey_of_the_demo_ends_as_expected(tmp_path: Path) -> None:
    code, numbers, said = goodword("demo", "--exit", state=tmp_path / "demo")
    seconds = numbers.pop("seconds", None)
    assert code == 0, said
    assert numbers == load_expected()["totals"], said
    assert numbers["traces_complete"] == numbers["conversions"]
    assert seconds > 0
    assert not read_run(tmp_path / "demo").is_alive


def test_a_sample_of_the_real_table_is_credited_and_paid_as_the_oracle_says(tmp_path: Path) -> None:
    arguments = ("replay", "mta", "--model", "linear", "--limit", "60")
    code, numbers, said = goodword(*arguments, state=tmp_path / "replay")
    assert code == 0, said
    assert numbers["mismatches"] == 0
    assert numbers["paid_minor"] == numbers["credited_minor"] > 0
    assert numbers["paths"] == 60
