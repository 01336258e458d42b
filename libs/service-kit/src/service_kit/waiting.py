"""Waiting: for one of several events, with a time limit, and longer after each failure."""

import asyncio
from collections.abc import Iterator

from .settings import KitSettings


async def first_of(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Return when one of `events` is set, or after so many seconds."""
    if any(event.is_set() for event in events):
        return
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def backoff(settings: KitSettings) -> Iterator[float]:
    """Pauses in seconds, each twice the one before, up to the longest allowed."""
    pause = settings.retry_first_seconds
    while True:
        yield pause
        pause = min(2 * pause, settings.retry_most_seconds)
