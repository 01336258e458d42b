"""The loop that fires due rows: it sleeps until the next one, and no row fires too early.

A row is early while an event from before its time may still be unread: it fires only when every
partition that the service hears is consumed past `due_at`, or to its end.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from . import due, metrics, progress
from .consumer import Consumer
from .waiting import first_of

if TYPE_CHECKING:
    from .runtime import AnyRuntime

_IDLE_SECONDS = 30.0  # another instance may have written a row
_EARLY_SECONDS = 0.2
_ASIDE_SECONDS = 5.0

log = structlog.stdlib.get_logger(__name__)


class DueLoop:
    """One instance's due work. `consumer` is None for a service that hears nothing."""

    def __init__(self, runtime: "AnyRuntime", consumer: Consumer | None) -> None:
        self._runtime = runtime
        self._consumer = consumer
        self._aside: dict[str, float] = {}  # kinds that were stuck, until when

    async def run(self, stop: asyncio.Event) -> None:
        """Fire what is due until `stop`."""
        while not stop.is_set():
            self._runtime.due_written.clear()
            pause = await self.step()
            await first_of(self._runtime.due_written, stop, seconds=pause)

    async def step(self) -> float:
        """Fire one batch if it may. Returns the seconds after which to look again."""
        runtime, now = self._runtime, self._runtime.now()
        kinds = self._kinds()
        next_due_at = await due.next_due_at(runtime.pool, kinds)
        if next_due_at is None or next_due_at > now:
            metrics.due_lag_seconds.set(0)
            wait = (next_due_at - now).total_seconds() if next_due_at else _IDLE_SECONDS
            return min(wait, _IDLE_SECONDS)
        metrics.due_lag_seconds.set((now - next_due_at).total_seconds())
        until = min(now, await self._heard_through(next_due_at))
        if until < next_due_at:
            return _EARLY_SECONDS
        try:
            return 0 if await due.fire(runtime, until, kinds) else _EARLY_SECONDS
        except due.Stuck as stuck:
            log.warning("due work steps aside", kind=stuck.kind, error=repr(stuck.__cause__))
            self._aside[stuck.kind] = time.monotonic() + _ASIDE_SECONDS
            return _EARLY_SECONDS

    def _kinds(self) -> list[str]:
        """The kinds to look at: one that was stuck does not hold up the others."""
        now = time.monotonic()
        self._aside = {kind: until for kind, until in self._aside.items() if until > now}
        return [kind for kind in self._runtime.service.due if kind not in self._aside]

    async def _heard_through(self, wanted: datetime) -> datetime:
        """The time up to which everything is heard; the ends are only asked for if need be."""
        if self._consumer is None:
            return datetime.max.replace(tzinfo=UTC)
        partitions = self._consumer.partitions()
        if partitions is None:
            return progress.EPOCH
        through = await progress.horizon(self._runtime.pool, partitions)
        if through < wanted and (ends := await self._consumer.at_end()):
            await progress.advance(self._runtime.pool, ends)
            through = await progress.horizon(self._runtime.pool, partitions)
        return through
