"""Group commit: what is appended together, and while a write is under way, is synced together.

Writes happen in one thread of their own, in order. A disk that hangs is waited for only so long;
then nothing more queues up before it until it has answered.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import structlog
from service_kit.producer import Unacknowledged

from . import spool_metrics as metrics
from .segments import Extent, Segments

log = structlog.stdlib.get_logger(__name__)


class NotSpooled(Unacknowledged):
    """The spool did not take it: it is full, its disk is, it hangs, or the spool is closed."""


Answer = asyncio.Future[NotSpooled | None]


class _Group(NamedTuple):
    """What one caller appended, its bytes, and where it waits."""

    payloads: Sequence[bytes]
    size: int
    answer: Answer


class GroupCommit:
    """Appends to segments. `on_written` hears of each write, `on_idle` of the last of a row."""

    def __init__(
        self,
        files: Segments,
        *,
        write_seconds: float,
        on_written: Callable[[Extent], None],
        on_idle: Callable[[], None],
    ) -> None:
        self.queued_bytes = 0
        self._files = files
        self._write_seconds = write_seconds
        self._on_written = on_written
        self._on_idle = on_idle
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._queue: list[_Group] = []
        self._flushing: asyncio.Task[None] | None = None
        self._hangs = False

    @property
    def is_busy(self) -> bool:
        """Whether a write is under way."""
        return self._flushing is not None

    def append(self, payloads: Sequence[bytes], size: int) -> Answer:
        """Write payloads of so many bytes; the answer is None once they are synced."""
        if self._hangs:
            return refused("hangs")
        answer: Answer = asyncio.get_running_loop().create_future()
        self._queue.append(_Group(payloads, size, answer))
        self.queued_bytes += size
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return answer

    async def run(self, work: Callable[..., object], *arguments: object) -> None:
        """Do something else with the files, between two writes. Raises what it does."""
        await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def close(self) -> None:
        """Write what is queued and close the file in hand, unless the disk hangs."""
        while self._flushing is not None and not self._hangs:
            await asyncio.wait([self._flushing], timeout=self._write_seconds)
        if not self._hangs:
            await self.run(self._files.finish)
        self._thread.shutdown(wait=False)

    async def _flush(self) -> None:
        """Write group after group, until nobody waits."""
        while self._queue:
            groups, self._queue, self.queued_bytes = self._queue, [], 0
            await self._write(groups)
        self._flushing = None
        self._on_idle()

    async def _write(self, groups: Sequence[_Group]) -> None:
        loop = asyncio.get_running_loop()
        patience = loop.call_later(self._write_seconds, self._give_up, groups)
        payloads = [payload for group in groups for payload in group.payloads]
        try:
            extent = await loop.run_in_executor(self._thread, self._files.append, payloads)
        except OSError as error:
            log.error("the spool's disk took nothing", error=error.strerror)
            _answer(groups, "disk")
        else:
            self._on_written(extent)
            _answer(groups)
        finally:
            patience.cancel()
            self._hangs = False

    def _give_up(self, groups: Sequence[_Group]) -> None:
        """Nobody waits any longer for a disk that hangs; what it does get is in the spool."""
        self._hangs = True
        log.error("the spool's disk hangs", seconds=self._write_seconds)
        waiting, self._queue, self.queued_bytes = self._queue, [], 0
        _answer([*groups, *waiting], "hangs")


def refused(reason: str) -> Answer:
    """The answer to what is not even tried."""
    answer: Answer = asyncio.get_running_loop().create_future()
    answer.set_result(_refusal(reason))
    return answer


def _refusal(reason: str) -> NotSpooled:
    metrics.refusals(reason).inc()
    return NotSpooled(f"the spool takes nothing: {reason}")


def _answer(groups: Sequence[_Group], reason: str | None = None) -> None:
    for group in groups:
        if not group.answer.done():
            group.answer.set_result(_refusal(reason) if reason else None)
