"""Lanes: a flood of clicks on one code goes aside, so that other codes are recorded as ever.

Only so many clicks of one code wait for their recording at once. Those beyond them are answered at
once and set aside; one writer records these later, a bounded number at a time. When too many are
aside already, a click is counted as lost: its link token still proves it.
"""

import asyncio
from collections import deque
from itertools import islice

from service_kit import metrics
from service_kit.producer import Record, Unacknowledged
from service_kit.waiting import first_of

from .journal import Journal, touches_unacknowledged

overflowed = metrics.counter(
    "clicks_overflowed", "Clicks beyond their code's lane by what became of them", "outcome"
)
_WRITTEN_AT_ONCE = 500
_PAUSE_SECONDS = 0.05
_PAUSE_AWAY_SECONDS = 1.0


class Lanes:
    """Records clicks: each code within its own bound, the overflow of all by one writer."""

    def __init__(self, journal: Journal, *, most_waiting: int, most_aside: int) -> None:
        self._journal = journal
        self._most_waiting = most_waiting
        self._most_aside = most_aside
        self._waiting: dict[str, int] = {}
        self._aside: deque[Record] = deque()
        self._some_aside = asyncio.Event()

    async def record(self, code: str, record: Record, *, within_seconds: float) -> None:
        """Write a click, or set it aside. Never waits longer than so many seconds."""
        waiting = self._waiting.get(code, 0)
        if waiting >= self._most_waiting:
            self._set_aside(record)
            return
        self._waiting[code] = waiting + 1
        try:
            await self._journal.entrust(record, within_seconds=within_seconds)
        finally:
            self._leave(code)

    async def work(self, stop: asyncio.Event, *, within_seconds: float) -> None:
        """Record what is set aside until the stop, then the rest within so many seconds."""
        while not stop.is_set():
            await first_of(self._some_aside, stop)
            done = await self._write_some()
            await first_of(stop, seconds=_PAUSE_SECONDS if done else _PAUSE_AWAY_SECONDS)
        try:
            async with asyncio.timeout(within_seconds):
                while self._aside and await self._write_some():
                    pass
        except TimeoutError:
            pass
        self._lose(len(self._aside))
        self._aside.clear()

    def _leave(self, code: str) -> None:
        left = self._waiting[code] - 1
        if left:
            self._waiting[code] = left
        else:
            del self._waiting[code]

    def _set_aside(self, record: Record) -> None:
        if len(self._aside) >= self._most_aside:
            self._lose(1)
            return
        self._aside.append(record)
        self._some_aside.set()
        overflowed("aside").inc()

    async def _write_some(self) -> bool:
        """Write the oldest; what is not acknowledged stays. False when that is all of them."""
        some = list(islice(self._aside, _WRITTEN_AT_ONCE))
        errors = await self._journal.write(some)
        for _ in some:
            self._aside.popleft()
        again = [
            record
            for record, error in zip(some, errors, strict=True)
            if isinstance(error, Unacknowledged)
        ]
        self._aside.extendleft(reversed(again))
        refused = sum(error is not None for error in errors) - len(again)
        overflowed("recorded").inc(len(some) - len(again) - refused)
        self._lose(refused)
        if not self._aside:
            self._some_aside.clear()
        return len(again) < len(some) or not some

    def _lose(self, number: int) -> None:
        overflowed("lost").inc(number)
        touches_unacknowledged.inc(number)
