"""Runs attribution: `python -m attribution`."""

from pathlib import Path

from service_kit.environment import load_settings
from service_kit.http import OPERATORS
from service_kit.main import main
from service_kit.service import Service
from shared_schemas.topics import TOPICS

from .api import routes
from .domain.hearing import HEARS
from .domain.tables import TABLES
from .handlers import DUE, handle, hear_table
from .settings import Settings

SERVICE: Service[Settings] = Service(
    name="attribution",
    topics=TOPICS,
    hears=HEARS,
    handle=handle,
    tables=TABLES,
    hear_table=hear_table,
    due=DUE,
    routes=routes,
    bearers=OPERATORS,
    migrations=Path(__file__).parents[2] / "migrations",
)

if __name__ == "__main__":
    main(SERVICE, load_settings(Settings))
