"""Runs the control plane: `python -m programs`."""

import asyncio
from pathlib import Path

from service_kit.environment import load_settings
from service_kit.main import main
from service_kit.runtime import Runtime
from service_kit.service import Service
from service_kit.telemetry import current_traceparent
from shared_schemas.topics import TOPICS

from . import api
from .handlers import HEARS, due_handlers, handler
from .handlers.clockwork import keep_day_keys, keep_root_key
from .handlers.desk import Desk
from .settings import Settings


def service(settings: Settings) -> Service[Settings]:
    """The control plane with these secrets."""
    desk = Desk.of(settings)

    async def begin(runtime: Runtime[Settings], _stop: asyncio.Event) -> None:
        """Once at the start: day keys for thirty days, and the first admin key."""
        async with runtime.transaction() as tx:
            await keep_day_keys(desk, tx, runtime.now(), current_traceparent())
            await keep_root_key(desk, tx, runtime.now(), current_traceparent())

    return Service(
        name="programs",
        topics=TOPICS,
        hears=HEARS,
        handle=handler(desk),
        due=due_handlers(desk),
        routes=lambda runtime: api.routes(runtime, desk),
        bearers=api.BEARERS,
        loops={"begin": begin},
        migrations=Path(__file__).parents[2] / "migrations",
    )


if __name__ == "__main__":
    settings = load_settings(Settings)
    main(service(settings), settings)
