"""The environment table and the choice of what to run."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from goodword.errors import PlatformError, UnknownService
from goodword.platform.catalogue import (
    SERVICES,
    Place,
    ServiceRow,
    Surroundings,
    environment,
    process_command,
    process_environment,
    stop_waves,
)
from goodword.platform.choice import MAIL, Choice, choose_ports
from goodword.platform.install import Secrets
from goodword.settings_page import settings_class
from pydantic import ValidationError

PLACE = Place(ordinal=0, port=8000, folder=Path("state"))
WITH_SETTINGS = [row for row in SERVICES.values() if find_spec(f"{row.name}.settings")]


def around(*running: str, **extra: dict[str, str]) -> Surroundings:
    return Surroundings(
        kafka="127.0.0.1:9092",
        database_url=lambda name: f"postgresql://postgres@127.0.0.1:5432/{name}",
        urls={name: f"http://127.0.0.1:{8000 + n}" for n, name in enumerate(SERVICES)},
        running=frozenset(running or SERVICES),
        smtp_url="smtp://127.0.0.1:2525",
        secrets=Secrets.random(),
        extra=extra,
    )


@pytest.mark.parametrize("row", WITH_SETTINGS, ids=lambda row: row.name)
def test_each_service_is_given_settings_that_it_knows_and_all_that_it_requires(
    row: ServiceRow,
) -> None:
    variables = environment(row, around(), PLACE)
    fields = {name.removeprefix("GOODWORD_").lower(): text for name, text in variables.items()}
    try:
        settings_class(row.name)(**fields)
    except ValidationError as error:
        pytest.fail(str(error))


def test_a_service_is_given_no_secret_that_it_does_not_need() -> None:
    variables = environment(SERVICES["attribution"], around(), PLACE)
    secrets = {name for name in variables if name.endswith(("_KEY", "_TOKEN", "_SECRET", "PEPPER"))}
    assert secrets == {"GOODWORD_OPERATOR_TOKEN"}


def test_each_service_has_a_database_of_its_own_and_tracking_has_none() -> None:
    databases = {
        name: environment(row, around(), PLACE).get("GOODWORD_DATABASE")
        for name, row in SERVICES.items()
    }
    assert databases.pop("tracking") is None
    assert len(set(databases.values())) == len(databases)
    assert databases["rewards"] == "postgresql://postgres@127.0.0.1:5432/goodword_rewards"


def test_spans_go_to_the_hub_if_it_runs() -> None:
    endpoint = "GOODWORD_OTLP_ENDPOINT"
    assert (
        environment(SERVICES["fraud"], around(), PLACE)[endpoint]
        == f"http://127.0.0.1:{8000 + list(SERVICES).index('hub')}"
    )
    assert endpoint not in environment(SERVICES["fraud"], around("fraud"), PLACE)


def test_further_settings_have_the_last_word_for_the_service_that_they_are_for() -> None:
    place = around(all={"GOODWORD_PORT": "1"}, fraud={"GOODWORD_LOG_LEVEL": "debug"})
    fraud = environment(SERVICES["fraud"], place, PLACE)
    assert (fraud["GOODWORD_PORT"], fraud["GOODWORD_LOG_LEVEL"]) == ("1", "debug")
    assert "GOODWORD_LOG_LEVEL" not in environment(SERVICES["rewards"], place, PLACE)


def test_nothing_of_ours_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODWORD_KAFKA", "elsewhere:9092")
    monkeypatch.setenv("SOMETHING_ELSE", "private")
    given = process_environment({"GOODWORD_PORT": "8000"})
    assert "GOODWORD_KAFKA" not in given
    assert "SOMETHING_ELSE" not in given
    assert given["GOODWORD_PORT"] == "8000"
    assert given["PATH"]


def test_a_service_runs_as_a_module() -> None:
    assert process_command(SERVICES["rewards"])[1:] == ["-m", "rewards"]


def test_who_takes_work_in_stops_first_and_who_is_asked_by_others_last() -> None:
    waves = stop_waves(list(SERVICES))
    assert waves[0] == ["tracking"]
    assert waves[-1] == ["programs"]
    assert sorted(name for wave in waves for name in wave) == sorted(SERVICES)


def test_all_services_run_once_unless_told_otherwise() -> None:
    assert Choice.of().counts == dict.fromkeys(SERVICES, 1)
    assert Choice.of(only=["rewards", "programs"]).counts == {"programs": 1, "rewards": 1}
    assert "hub" not in Choice.of(without=["hub"]).counts
    assert Choice.of(only=["rewards"], scale={"rewards": 2}).counts == {"rewards": 2}


def test_a_misspelt_service_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownService, match="did you mean rewards"):
        Choice.of(only=["reward"])
    with pytest.raises(UnknownService):
        Choice.of(scale={"kafka": 2})
    with pytest.raises(UnknownService):
        Choice.of(extra={"rewads": {}})


@pytest.mark.parametrize("count", [0, 17])
def test_an_absurd_number_of_instances_is_refused(count: int) -> None:
    with pytest.raises(PlatformError, match="1 to 16"):
        Choice.of(scale={"rewards": count})


def test_an_empty_choice_is_refused() -> None:
    with pytest.raises(PlatformError, match="No service is left"):
        Choice.of(only=["hub"], without=["hub"])


def test_ports_are_those_of_the_last_run_and_differ_from_each_other() -> None:
    first = choose_ports({}, {"rewards": 2})
    assert {"rewards-0", "rewards-1", "hub-0", MAIL} <= first.keys()
    assert len(set(first.values())) == len(first)
    assert choose_ports(first, {"rewards": 2}) == first
    assert choose_ports(first, {"rewards": 1})["rewards-1"] == first["rewards-1"]
