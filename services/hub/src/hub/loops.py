"""What the hub does by itself: keep the ring of spans a ring."""

import asyncio
from contextlib import suppress
from typing import Final

from service_kit.runtime import Runtime

from .settings import Settings
from .store import spans

TRIM_SECONDS: Final = 60


async def trim_spans(runtime: Runtime[Settings], stop: asyncio.Event) -> None:
    """Forget spans that are too old or too many, every minute until `stop`."""
    settings = runtime.settings
    while not stop.is_set():
        async with runtime.transaction() as tx:
            await spans.trim(
                tx,
                kept_seconds=settings.spans_kept_seconds,
                kept_rows=settings.spans_kept_rows,
            )
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), TRIM_SECONDS)
