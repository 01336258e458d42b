"""Runs notifications: `python -m notifications`."""

from pathlib import Path

from service_kit.environment import load_settings
from service_kit.main import main
from service_kit.service import Service
from shared_schemas.topics import TOPICS

from . import api
from .handlers import HEARS, handler
from .handlers.digests import send_digests
from .handlers.tables import TABLES, hear_table
from .handlers.telling import DIGEST_DUE
from .senders.loops import send_mails, send_webhooks
from .senders.pump import pending, sweep
from .settings import Settings


def service(settings: Settings) -> Service[Settings]:
    """The service with these settings."""
    return Service(
        name="notifications",
        topics=TOPICS,
        hears=HEARS,
        handle=handler(settings.default_email_preference),
        tables=TABLES,
        hear_table=hear_table,
        due={DIGEST_DUE: send_digests},
        routes=api.routes,
        bearers=api.BEARERS,
        loops={"mail": send_mails, "webhooks": send_webhooks, "sweep": sweep},
        pending=pending,
        migrations=Path(__file__).parents[2] / "migrations",
    )


if __name__ == "__main__":
    settings = load_settings(Settings)
    main(service(settings), settings)
