"""A slice of chaos: six kills, broker and database among them, on a stack of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SEED = "3"  # kills hub, attribution, Kafka, PostgreSQL, rewards and notifications
SHARED = ("GOODWORD_KAFKA", "GOODWORD_POSTGRES", "GOODWORD_STACK")


@pytest.mark.real
@pytest.mark.timeout(300)
def test_six_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if name not in SHARED}
    command = [sys.executable, "-m", "goodword", "chaos", "--kills", "6", "--events", "400"]
    ended = subprocess.run(
        [*command, "--seed", SEED, "--json", "--state", str(tmp_path / "chaos")],
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout, ended.stderr
    report = json.loads(ended.stdout)
    assert report["violations"] == []
    assert {"kafka", "postgres"} <= report["kills"].keys()
    assert report["conversions_acknowledged"] == 400
    assert report["parked"] == report["planted"] > 0
    assert report["held"], report
