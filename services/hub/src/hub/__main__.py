"""Runs the hub: `python -m hub`."""

from pathlib import Path

from service_kit.environment import load_settings
from service_kit.http import OPERATORS
from service_kit.main import main
from service_kit.service import Service
from shared_schemas.topics import TOPICS

from . import api
from .handlers import HEARS, TABLES, handle
from .loops import trim
from .settings import Settings


def service() -> Service[Settings]:
    """The hub as a value."""
    return Service(
        name="hub",
        topics=TOPICS,
        hears=HEARS,
        handle=handle,
        tables=TABLES,
        hear_table=handle,
        routes=api.routes,
        bearers=OPERATORS,
        loops={"trim": trim},
        migrations=Path(__file__).parents[2] / "migrations",
    )


if __name__ == "__main__":
    main(service(), load_settings(Settings))
