"""What the hub does by itself: keep the ring of spans a ring, forget what is over."""

import asyncio
from typing import Final

from service_kit.runtime import Runtime
from service_kit.waiting import first_of

from .settings import Settings
from .store import sessions, spans

TRIM_SECONDS: Final = 60


async def trim(runtime: Runtime[Settings], stop: asyncio.Event) -> None:
    """Forget spans that are too old or too many, links and sessions that are over: every minute
    until `stop`."""
    settings = runtime.settings
    while not stop.is_set():
        async with runtime.transaction() as tx:
            await spans.trim(
                tx,
                kept_seconds=settings.spans_kept_seconds,
                kept_rows=settings.spans_kept_rows,
            )
            await sessions.forget(tx, runtime.now())
        await first_of(stop, seconds=TRIM_SECONDS)
