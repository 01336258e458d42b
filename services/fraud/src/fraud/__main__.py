"""Runs fraud: `python -m fraud`."""

from pathlib import Path

from service_kit.environment import load_settings
from service_kit.main import main
from service_kit.service import Service
from shared_schemas.topics import TOPICS

from . import api
from .handlers import HEARS, TABLES, handler, table_handler
from .settings import Settings


def service(settings: Settings) -> Service[Settings]:
    """Fraud with these settings."""
    return Service(
        name="fraud",
        topics=TOPICS,
        hears=HEARS,
        handle=handler(settings.review_seconds),
        tables=TABLES,
        hear_table=table_handler(settings.review_seconds),
        routes=api.routes,
        bearers=api.BEARERS,
        migrations=Path(__file__).parents[2] / "migrations",
    )


if __name__ == "__main__":
    settings = load_settings(Settings)
    main(service(settings), settings)
