"""Runs partners: `python -m partners`."""

from pathlib import Path

from service_kit.environment import load_settings
from service_kit.main import main
from service_kit.service import Service
from shared_schemas.topics import TOPICS

from .api import BEARERS, routes
from .handlers import HEARS, TABLES, handle, hear_table
from .settings import Settings

SERVICE: Service[Settings] = Service(
    name="partners",
    topics=TOPICS,
    hears=HEARS,
    handle=handle,
    tables=TABLES,
    hear_table=hear_table,
    routes=routes,
    bearers=BEARERS,
    migrations=Path(__file__).parents[2] / "migrations",
)

if __name__ == "__main__":
    main(SERVICE, load_settings(Settings))
