"""A flood of clicks on one code, and a neighbour who must not notice."""

import asyncio
from collections.abc import Callable, Sequence

from prometheus_client import REGISTRY
from service_kit.producer import Record, Unpublishable
from service_kit.waiting import first_of
from tracking.store.journal import Answers, Journal
from tracking.store.lanes import Lanes
from tracking.store.spool import Spool

from .builders import Broker, link, registry
from .doors import site

LONG_SECONDS = 20.0
LIMIT, FLOOD = 8, 400


def record(code: str, number: int = 0) -> Record:
    return Record("tracking.touches", code.encode(), [("n", str(number).encode())], b"{}")


def counted(outcome: str) -> float:
    named = {"outcome": outcome}
    return REGISTRY.get_sample_value("goodword_clicks_overflowed_total", named) or 0


def lost() -> float:
    return REGISTRY.get_sample_value("goodword_touches_unacknowledged_total") or 0


class Queue(Broker):
    """A broker that takes one record after the other, when it is told how many."""

    def __init__(self) -> None:
        super().__init__()
        self.line: list[bytes | None] = []
        self._turns = asyncio.Semaphore(0)

    def take(self, number: int) -> None:
        for _ in range(number):
            self._turns.release()

    async def send_all(self, records: Sequence[Record], *, deadline_seconds: float) -> Answers:
        self.line += [one.key for one in records]
        for _ in records:
            await self._turns.acquire()
        return await super().send_all(records, deadline_seconds=deadline_seconds)


def lanes(broker: Broker, *, most_aside: int = 10_000, most_waiting: int = LIMIT) -> Lanes:
    closed = Spool(max_bytes=1, write_seconds=1)
    journal = Journal(broker, closed, acknowledge_seconds=LONG_SECONDS, most_touches=100_000)
    journal.begin()
    return Lanes(journal, most_waiting=most_waiting, most_aside=most_aside)


async def until(true: Callable[[], bool]) -> None:
    """Return once it is true."""
    never = asyncio.Event()
    async with asyncio.timeout(LONG_SECONDS):
        while not true():
            await first_of(never, seconds=0.001)


async def test_a_neighbour_waits_for_the_lane_of_a_flood_and_never_for_the_flood() -> None:
    broker = Queue()
    two = lanes(broker)
    flood = [
        asyncio.create_task(two.record("hot", record("hot", n), within_seconds=LONG_SECONDS))
        for n in range(FLOOD)
    ]
    await until(lambda: sum(one.done() for one in flood) == FLOOD - LIMIT)
    calm = asyncio.create_task(two.record("calm", record("calm"), within_seconds=LONG_SECONDS))
    await until(lambda: b"calm" in broker.line)
    assert broker.line.index(b"calm") == LIMIT  # no more than the lane stands before it
    broker.take(LIMIT + 1)
    await asyncio.wait_for(asyncio.gather(calm, *flood), LONG_SECONDS)
    assert len(broker.records) == LIMIT + 1


async def test_without_the_bound_the_neighbour_would_wait_for_the_whole_flood() -> None:
    broker = Queue()
    two = lanes(broker, most_waiting=FLOOD)
    told = [
        asyncio.create_task(two.record(code, record(code), within_seconds=LONG_SECONDS))
        for code in (*["hot"] * FLOOD, "calm")
    ]
    await until(lambda: b"calm" in broker.line)
    assert broker.line.index(b"calm") == FLOOD
    broker.take(FLOOD + 1)
    await asyncio.gather(*told)


async def test_what_is_set_aside_is_recorded_later_once_each_and_counted() -> None:
    broker, stop = Broker(), asyncio.Event()
    aside, recorded, missing = counted("aside"), counted("recorded"), lost()
    two = lanes(broker, most_waiting=1)
    working = asyncio.create_task(two.work(stop, within_seconds=LONG_SECONDS))
    await asyncio.gather(
        *(two.record("hot", record("hot", n), within_seconds=1) for n in range(FLOOD))
    )
    await until(lambda: counted("recorded") - recorded == counted("aside") - aside)
    stop.set()
    await working
    assert len({one.headers[0][1] for one in broker.records}) == len(broker.records) == FLOOD
    assert counted("aside") - aside == FLOOD - 1
    assert lost() == missing


async def test_what_is_aside_waits_while_kafka_is_away_and_is_written_when_it_is_back() -> None:
    broker, stop, before = Broker(), asyncio.Event(), lost()
    broker.away = True
    two = lanes(broker, most_waiting=0)
    await two.record("hot", record("hot"), within_seconds=1)
    working = asyncio.create_task(two.work(stop, within_seconds=LONG_SECONDS))
    await first_of(stop, seconds=0.1)
    assert broker.records == []
    broker.away = False
    await until(lambda: len(broker.records) == 1)
    stop.set()
    await working
    assert lost() == before


async def test_more_than_may_be_aside_is_counted_as_lost_and_so_is_what_kafka_refuses() -> None:
    broker, stop = Broker(), asyncio.Event()
    broker.errors = [Unpublishable("too big")]
    before = lost()
    two = lanes(broker, most_aside=3, most_waiting=0)
    for number in range(5):
        await two.record("hot", record("hot", number), within_seconds=1)
    assert lost() == before + 2
    stop.set()
    await two.work(stop, within_seconds=LONG_SECONDS)
    assert len(broker.records) == 2
    assert lost() == before + 3


async def test_what_cannot_be_written_before_the_end_is_counted_as_lost() -> None:
    broker, stop = Queue(), asyncio.Event()
    before = lost()
    two = lanes(broker, most_waiting=0)
    await two.record("hot", record("hot"), within_seconds=1)
    stop.set()
    await two.work(stop, within_seconds=0.05)
    assert lost() == before + 1


async def test_a_lane_is_free_again_when_its_clicks_are_recorded() -> None:
    broker, before = Broker(), counted("aside")
    two = lanes(broker, most_waiting=1)
    for number in range(5):
        await two.record("hot", record("hot", number), within_seconds=LONG_SECONDS)
    assert len(broker.records) == 5
    assert counted("aside") == before


async def test_at_the_door_a_flood_is_answered_at_once_with_tokens() -> None:
    broker = Queue()
    hot = registry(link("hot"))
    async with site(hot, broker, code_waiting_max=2, redirect_wait_milliseconds=10_000) as here:
        waiting = [asyncio.create_task(here.client.get("/r/hot")) for _ in range(2)]
        await until(lambda: len(broker.line) == 2)
        async with asyncio.timeout(5):  # it would be ten seconds
            for _ in range(20):
                answer = await here.client.get("/r/hot")
                assert "gw=" in answer.headers["location"]
        assert len(broker.line) == 2
        broker.take(100)
        await asyncio.gather(*waiting)
