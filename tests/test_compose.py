"""docker-compose.yml is valid, and runs each service as `goodword up` does."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from goodword.platform.catalogue import SERVICES, Place, ServiceRow, Surroundings, environment
from goodword.platform.install import Secrets

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PORT = 8000


MAY_BE_CHOSEN = {"GOODWORD_DESTINATION_HOSTS"}


def _local(row: ServiceRow) -> dict[str, str]:
    around = Surroundings(
        kafka="kafka:9092",
        database_url=lambda name: f"postgresql://postgres:x@postgres:5432/{name}",
        urls={name: f"http://{name}:{PORT}" for name in SERVICES},
        running=frozenset(SERVICES),
        smtp_url="smtp://mailpit:1025",
        secrets=Secrets.random(),
    )
    place = Place(ordinal=0, port=PORT, folder=Path("/var/lib/goodword"), host="0.0.0.0")
    return environment(row, around, place)


def _is_secret(name: str) -> bool:
    return name.endswith(("_TOKEN", "_SECRET", "_KEY", "_PEPPER"))


def test_the_file_follows_the_compose_specification() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", ROOT / "docker-compose.yml"],
        check=True,
        capture_output=True,
    )


def test_every_service_is_there_and_nothing_else_of_ours() -> None:
    ours = {
        name for name, service in COMPOSE["services"].items() if "goodword:local" in str(service)
    }
    assert ours == set(SERVICES) | {"topics"}


@pytest.mark.parametrize("row", SERVICES.values(), ids=lambda row: row.name)
def test_a_service_runs_as_it_does_locally(row: ServiceRow) -> None:
    service = COMPOSE["services"][row.name]
    assert service["command"] == ["python", *row.command]
    assert f"127.0.0.1:{PORT}/health/ready" in " ".join(service["healthcheck"]["test"])
    for mapping in service.get("ports", []):
        assert re.fullmatch(rf"127\.0\.0\.1:\d+:{PORT}", mapping)
    there, here = service["environment"], _local(row)
    chosen = set(there) & MAY_BE_CHOSEN
    assert set(there) - chosen == set(here)
    assert all(there[name] == f"${{{name}:-}}" for name in chosen), "absent, it is the default"
    public = {f"GOODWORD_{name}" for name in ("OTLP_ENDPOINT", "HUB_URL", "PUBLIC_URL", "LINK_URL")}
    for name, value in here.items():
        if _is_secret(name):
            assert there[name] == f"${{{name}:?}}", "a secret is never written down"
        elif name == "GOODWORD_DATABASE":
            assert there[name].endswith(f"@postgres:5432/{row.database_name}")
        elif name not in public:
            assert there[name] == value


def test_every_database_is_made() -> None:
    made = set(re.findall(r"CREATE DATABASE (\w+);", (ROOT / "deploy/databases.sql").read_text()))
    assert made == {row.database_name for row in SERVICES.values() if row.database}


def test_goodword_secrets_draws_every_variable_that_the_file_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?\}", (ROOT / "docker-compose.yml").read_text()))
    command = Path(sys.executable).with_name("goodword")
    told = subprocess.run([command, "secrets"], check=True, capture_output=True, text=True).stdout
    drawn = dict(line.split("=", 1) for line in told.splitlines())
    assert set(drawn) == asked
    assert len(set(drawn.values())) == len(drawn)
    assert all(re.fullmatch(r"[\w+/=-]{24,}", value) for value in drawn.values())
