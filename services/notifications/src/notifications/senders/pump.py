"""Claims what is due, sends it with bounded concurrency, and keeps what became of it.

A claim opens the send window in a transaction of its own; the outcome closes it in another. What
crashed in between is found by its age.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from service_kit.metrics import counter
from service_kit.runtime import Runtime
from service_kit.waiting import first_of
from shared_schemas.states import MessageState
from shared_schemas.words import Channel

from ..domain.delivery import Delivery, Outcome
from ..domain.schedule import webhook_retry_at
from ..handlers.concluding import conclude
from ..settings import Settings
from ..store import claims, deliveries, digests

POLL_SECONDS = 0.2
GATHER_SECONDS = 0.02  # outcomes that come so close together are kept in one transaction
LEASE = timedelta(seconds=60)  # longer than any attempt may take
SWEEP_SECONDS = 5
PENDING_WITHIN = timedelta(seconds=2)
log = structlog.stdlib.get_logger(__name__)
_attempts = counter("delivery_attempts", "Attempts to deliver by outcome", "channel", "state")


Attempt = tuple[Delivery, Coroutine[Any, Any, Outcome]]


class Channelled(Protocol):
    """One channel's way out."""

    concurrency: int

    async def claim(self, free: int) -> list[Attempt]:
        """Open the send window of at most `free` deliveries; their attempts, not yet begun."""

    async def settled(self, outcomes: Mapping[str, Outcome]) -> None:
        """What else follows from outcomes that are kept."""


class Pump:
    """One channel's loop."""

    def __init__(self, runtime: Runtime[Settings], channel: Channelled) -> None:
        self._runtime = runtime
        self._channel = channel
        self._running: dict[asyncio.Task[Outcome], Delivery] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; what is being sent then is finished."""
        try:
            while not stop.is_set():
                if not await self.step():
                    await first_of(stop, seconds=POLL_SECONDS)
        finally:
            await self.finish()

    async def step(self) -> bool:
        """Claim what there is room for, and settle what is done. False: nothing to do."""
        free = self._channel.concurrency - len(self._running)
        claimed = await self._channel.claim(free) if free else []
        for delivery, attempt in claimed:
            self._running[asyncio.create_task(attempt)] = delivery
        if not self._running:
            return False
        await self._settle(POLL_SECONDS, asyncio.FIRST_COMPLETED)
        return True

    async def finish(self) -> None:
        """Wait for every attempt that is under way, and keep its outcome."""
        if self._running:
            await self._settle(LEASE.total_seconds(), asyncio.ALL_COMPLETED)

    async def _settle(self, seconds: float, until: str) -> None:
        done, running = await asyncio.wait(self._running, timeout=seconds, return_when=until)
        if not done:
            return
        if running:
            more, _ = await asyncio.wait(running, timeout=GATHER_SECONDS)
            done |= more
        outcomes = {
            self._running[task].delivery_id: self._outcome(self._running[task], task)
            for task in done
        }
        async with self._runtime.transaction() as tx:
            locked = await deliveries.lock_claimed(tx, sorted(outcomes))
            for one in await conclude(tx, locked, outcomes, self._runtime.now()):
                _attempts(one.channel, one.state).inc()
        for task in done:
            del self._running[task]
        await self._channel.settled(outcomes)

    def _outcome(self, delivery: Delivery, task: "asyncio.Task[Outcome]") -> Outcome:
        error = task.exception()
        if error is None:
            return task.result()
        log.error("an attempt failed", delivery_id=delivery.delivery_id, exc_info=error)
        return Outcome(MessageState.FAILED, f"our own fault: {type(error).__name__}")


async def pending(runtime: Runtime[Settings]) -> int:
    """How many deliveries are in hand: being sent, or due within moments."""
    async with runtime.transaction() as tx:
        return await claims.pending(tx, runtime.now() + PENDING_WITHIN)


async def sweep(runtime: Runtime[Settings], stop: asyncio.Event) -> None:
    """End the send windows that a crash left open, for as long as the service runs."""
    while not stop.is_set():
        await sweep_once(runtime, runtime.now())
        await first_of(stop, seconds=SWEEP_SECONDS)


async def sweep_once(runtime: Runtime[Settings], now: datetime) -> None:
    """Mails whose window is over are unknown, and never sent again by themselves.

    Webhooks are tried again: their receiver knows the delivery id. A mail whose digest has gone
    without it goes by itself.
    """
    async with runtime.transaction() as tx:
        locked = await deliveries.lock_overdue(tx, now - LEASE)
        outcomes = {
            delivery.delivery_id: _after_crash(delivery, now)
            for delivery, _ in locked
            if delivery.digest_id is None
        }
        await conclude(tx, locked, outcomes, now)
    async with runtime.transaction() as tx:  # its own: it would lock deliveries out of order
        await digests.release_stranded(tx)


def _after_crash(delivery: Delivery, now: datetime) -> Outcome:
    if delivery.channel is not Channel.WEBHOOK:
        return Outcome(MessageState.UNKNOWN, "the process ended while it was being sent")
    retry_at = webhook_retry_at(delivery.delivery_id, delivery.attempts + 1, now)
    if retry_at is None:
        return Outcome(MessageState.FAILED, "exhausted")
    return Outcome(MessageState.DUE, "the process ended while it was being sent", retry_at)
