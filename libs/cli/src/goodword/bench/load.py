"""The load generator, a process of its own: `python -m goodword.bench.load` reads an Order."""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

import uvloop
from shared_schemas.ids import conversion_id

from .arrivals import Arrivals, watching
from .connection import Connection
from .orders import Order, Told
from .stories import batch, order, pages, reference, visitor

BATCH_CONVERSIONS = 25  # with three touches each: 100 messages
_LEAD = 40  # so many batches before its order a conversion's touches are sent
_DRAIN_SECONDS = 60.0
_TURN_SECONDS = 0.005
_PAGES_AHEAD_SECONDS = 2.0
_SHOWN = 300
_TAKEN = (b'"result":"ok"', b'"result":"warning"')


class Window:
    """Counts what is acknowledged within the measured time."""

    def __init__(self, order: Order) -> None:
        self.start = time.monotonic() + order.warm_up
        self.end = self.start + order.seconds
        self.acknowledged = 0
        self.refused = 0
        self.refusal = ""

    @property
    def is_over(self) -> bool:
        """Whether the measured time is over."""
        return time.monotonic() >= self.end

    def note(self, status: int, answer: bytes, events: int) -> None:
        """One answer for so many events."""
        if status != 200 or (b'"result"' in answer and _taken(answer) != events):
            self.refused += events
            self.refusal = self.refusal or f"{status} {answer[:_SHOWN].decode(errors='replace')}"
        elif self.start <= time.monotonic() < self.end:
            self.acknowledged += events


async def chain(told: Order) -> Told:
    """As many conversions as go through, with a bounded number in flight."""
    window, numbers, sent = Window(told), count(), 0

    async with watching(told, by_name=False) as arrivals:

        async def work(connection: Connection) -> None:
            nonlocal sent
            while not window.is_over:
                if sent - arrivals.count > told.in_flight_most:
                    await asyncio.sleep(_TURN_SECONDS)
                    continue
                group = next(numbers)
                messages = _group(told, group)
                orders = len(messages) - BATCH_CONVERSIONS * 3
                sent += orders
                window.note(*await connection.post(batch(messages)), len(messages))

        await _connected(told, "/v1/batch", work)
        drained = await arrivals.until(sent, _DRAIN_SECONDS)
        return Told(
            acknowledged_rate=window.acknowledged / told.seconds,
            arrived_rate=arrivals.between(window.start, window.end) / told.seconds,
            drained_seconds=drained,
            sent=sent,
            arrived=arrivals.count,
            refused=window.refused,
            refusal=window.refusal,
        )


async def latency(told: Order) -> Told:
    """Conversions at a fixed rate, whatever comes back when: how long each takes."""
    acknowledged: dict[str, float] = {}
    total = int((told.warm_up + told.seconds) * told.rate)
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(told.at_once):
        free.put_nowait(await Connection.open(told.url, "/v1/track", told.key))
    touching = await Connection.open(told.url, "/v1/batch", told.key)
    turn = asyncio.Lock()
    async with watching(told, by_name=True) as arrivals, asyncio.TaskGroup() as group:
        ahead = int(told.rate * _PAGES_AHEAD_SECONDS)
        began = time.monotonic() + _PAGES_AHEAD_SECONDS
        await _touch(told, touching, turn, range(ahead))
        for number in range(total):
            await asyncio.sleep(began + number / told.rate - time.monotonic())
            if number % BATCH_CONVERSIONS == 0:
                start = number + ahead
                some = range(start, start + BATCH_CONVERSIONS)
                group.create_task(_touch(told, touching, turn, some))
            group.create_task(_order(told, free, number, acknowledged))
        await arrivals.until(total, _DRAIN_SECONDS / 4)
        measured = range(int(told.warm_up * told.rate), total)
        return _latencies(told, arrivals, acknowledged, measured)


async def door(told: Order) -> Told:
    """Single events, each acknowledged before its connection sends the next."""
    window, numbers = Window(told), count()

    async def work(connection: Connection) -> None:
        while not window.is_over:
            window.note(*await connection.post(order(told.run, next(numbers))), 1)

    await _connected(told, "/v1/track", work)
    return Told(
        acknowledged_rate=window.acknowledged / told.seconds,
        refused=window.refused,
        refusal=window.refusal,
    )


def _taken(answer: bytes) -> int:
    return sum(answer.count(word) for word in _TAKEN)


def _group(told: Order, group: int) -> list[bytes]:
    """A batch: touches of some conversions, and the orders of those touched a while ago."""
    start = group * BATCH_CONVERSIONS
    messages = [
        page
        for number in range(start, start + BATCH_CONVERSIONS)
        for page in pages(told.run, number, told.tokens)
    ]
    first = start - _LEAD * BATCH_CONVERSIONS
    if first >= 0:
        messages += [order(told.run, number) for number in range(first, first + BATCH_CONVERSIONS)]
    return messages


async def _connected(told: Order, path: str, work: Callable[[Connection], Awaitable[None]]) -> None:
    connections = [await Connection.open(told.url, path, told.key) for _ in range(told.at_once)]
    await asyncio.gather(*(work(connection) for connection in connections))
    for connection in connections:
        await connection.close()


async def _touch(
    told: Order, connection: Connection, turn: asyncio.Lock, numbers: Sequence[int]
) -> None:
    messages = [page for number in numbers for page in pages(told.run, number, told.tokens)]
    async with turn:
        await connection.post(batch(messages))


async def _order(
    told: Order, free: "asyncio.Queue[Connection]", number: int, acknowledged: dict[str, float]
) -> None:
    connection = await free.get()
    status, _ = await connection.post(order(told.run, number))
    if status == 200:
        acknowledged[_name(told, number)] = time.monotonic()
    free.put_nowait(connection)


def _latencies(
    told: Order, arrivals: Arrivals, acknowledged: dict[str, float], measured: Sequence[int]
) -> Told:
    names = [_name(told, number) for number in measured]
    waits = sorted(
        max(0.0, arrivals.moments[name] - acknowledged[name]) * 1000
        for name in names
        if name in arrivals.moments and name in acknowledged
    )
    hundredths = statistics.quantiles(waits, n=100, method="inclusive") if len(waits) > 1 else []
    return Told(
        acknowledged_rate=sum(name in acknowledged for name in names) / told.seconds,
        arrived_rate=len(waits) / told.seconds,
        sent=len(names),
        arrived=len(waits),
        p50_ms=hundredths[49] if hundredths else None,
        p99_ms=hundredths[98] if hundredths else None,
        refused=sum(name not in acknowledged for name in names),
    )


def _name(told: Order, number: int) -> str:
    if told.match == "visitor":
        return visitor(told.run, number)
    return conversion_id("sale", reference(told.run, number))


def main() -> None:
    """Do what standard input says, and tell on standard output."""
    told = Order.model_validate_json(sys.stdin.read())
    modes = {"chain": chain, "latency": latency, "door": door}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.write(runner.run(modes[told.mode](told)).model_dump_json())


if __name__ == "__main__":
    main()
