"""The environment table: every service, and exactly the settings that it is started with.

`goodword up` builds each process's environment here, and the compose file is compared with it.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UnknownService
from .install import Secrets

ALL = "all"  # in `extra`: settings of every service
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "M2_REPO", "PYTHONDONTWRITEBYTECODE")
PREFIX_SETTING = "GOODWORD_TOPIC_PREFIX"

Extra = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    """One service: what it needs beside Kafka. `stop_order`: lower numbers are stopped first."""

    name: str
    stop_order: int = 1
    database: bool = True
    secrets: tuple[str, ...] = ()  # fields of Secrets
    urls: Mapping[str, str] = field(default_factory=dict)  # setting to the service it points to
    mail: str | None = None  # the setting that names the SMTP server
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> tuple[str, ...]:
        """What follows the interpreter, here and in the image."""
        return ("-m", self.name)

    @property
    def database_name(self) -> str:
        """The service's own database."""
        return f"goodword_{self.name}"


SERVICES: Mapping[str, ServiceRow] = {
    row.name: row
    for row in (
        ServiceRow(
            name="programs",
            stop_order=2,
            secrets=("admin_key", "key_pepper", "match_key", "master_key", "contact_token"),
            urls={"GOODWORD_LINK_URL": "tracking"},
        ),
        ServiceRow(
            name="tracking",
            stop_order=0,
            database=False,
            secrets=("key_pepper", "match_key", "token_secret"),
        ),
        ServiceRow(name="attribution"),
        ServiceRow(name="fraud", secrets=("key_pepper",)),
        ServiceRow(name="rewards", secrets=("payout_secret",)),
        ServiceRow(
            name="notifications",
            secrets=("key_pepper", "master_key", "contact_token", "login_secret"),
            urls={"GOODWORD_PROGRAMS_URL": "programs", "GOODWORD_HUB_URL": "hub"},
            mail="GOODWORD_SMTP_URL",
        ),
        ServiceRow(name="partners", secrets=("key_pepper",)),
        ServiceRow(
            name="hub",
            secrets=("login_secret",),
            urls={"GOODWORD_PUBLIC_URL": "hub"},
        ),
    )
}
"""In the order in which they are listed and started."""

SPAN_SINK = "hub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What services meet: where the others are, and the install's secrets."""

    kafka: str
    database_url: Callable[[str], str]
    urls: Mapping[str, str]  # of every service, also of those left out
    running: frozenset[str]
    smtp_url: str
    secrets: Secrets
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one instance lives."""

    ordinal: int
    port: int
    folder: Path
    host: str = "127.0.0.1"


def environment(row: ServiceRow, around: Surroundings, place: Place) -> dict[str, str]:
    """Every `GOODWORD_` variable of one instance; the last word is `around.extra`'s."""
    variables = {
        "GOODWORD_HOST": place.host,
        "GOODWORD_PORT": str(place.port),
        "GOODWORD_ORDINAL": str(place.ordinal),
        "GOODWORD_STATE_FOLDER": str(place.folder),
        "GOODWORD_KAFKA": around.kafka,
    }
    if row.database:
        variables["GOODWORD_DATABASE"] = around.database_url(row.database_name)
    if SPAN_SINK in around.running:
        variables["GOODWORD_OTLP_ENDPOINT"] = around.urls[SPAN_SINK]
    if row.mail:
        variables[row.mail] = around.smtp_url
    variables |= {setting: around.urls[name] for setting, name in row.urls.items()}
    variables |= around.secrets.environment(("operator_token", *row.secrets))
    return {
        **variables,
        **row.settings,
        **around.extra.get(ALL, {}),
        **around.extra.get(row.name, {}),
    }


def process_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """What the operating system is given: these variables and little else of ours."""
    inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**inherited, "PYTHONUNBUFFERED": "1", **variables}


def process_command(row: ServiceRow) -> list[str]:
    """The command line of a service's process."""
    return [sys.executable, *row.command]


def row(name: str) -> ServiceRow:
    """A service by its name. Raises UnknownService."""
    try:
        return SERVICES[name]
    except KeyError:
        raise UnknownService(name, SERVICES) from None


def stop_waves(names: Sequence[str]) -> list[list[str]]:
    """The services in the order of stopping: those of a wave stop together."""
    orders = sorted({SERVICES[name].stop_order for name in names})
    return [[name for name in names if SERVICES[name].stop_order == order] for order in orders]
