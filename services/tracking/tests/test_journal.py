"""The journal: what is handed over in one turn is written together, and answered apart; what Kafka
does not take in time goes to the spool and from there to Kafka, in the order of each key."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from service_kit.producer import Record, Unacknowledged, Unpublishable
from tracking.store.drain import drain
from tracking.store.group_commit import NotSpooled
from tracking.store.journal import Journal
from tracking.store.spool import Spool
from tracking.store.writes import Answers

from .spools import count, drained, emptied, hanging, spool_in

LONG_SECONDS = 5.0


def record(name: str) -> Record:
    return Record("tracking.touches", name.encode(), [], b"{}")


class Kafka:
    """Takes what it is sent, refuses some keys, and may be away."""

    def __init__(
        self,
        refused: frozenset[bytes] = frozenset(),
        *,
        unknown: frozenset[bytes] = frozenset(),
        away: bool = False,
    ) -> None:
        self.sends: list[list[bytes | None]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._asked: asyncio.Queue[None] = asyncio.Queue()
        self._refused = refused
        self.unknown = unknown
        self.away = away

    async def send_all(self, records: Sequence[Record], *, deadline_seconds: float) -> Answers:
        self.sends.append([record.key for record in records])
        self._asked.put_nowait(None)
        await asyncio.wait_for(self.may_answer.wait(), deadline_seconds)
        if self.away:
            raise Unacknowledged("away")
        return [self._answer(record.key) for record in records]

    def _answer(self, key: bytes | None) -> Exception | None:
        if key in self.unknown:
            return Unacknowledged("nobody knows")
        return Unpublishable("no") if key in self._refused else None

    async def asked(self) -> None:
        """Until it was asked once more."""
        await asyncio.wait_for(self._asked.get(), LONG_SECONDS)


def journal(
    kafka: Kafka, spool: Spool | None = None, *, acknowledge_seconds: float = LONG_SECONDS
) -> Journal:
    """One that writes at once; without a spool, to one that is closed."""
    made = Journal(
        kafka,
        spool or Spool(max_bytes=1, write_seconds=1),
        acknowledge_seconds=acknowledge_seconds,
        most_touches=10,
    )
    made.begin()
    return made


@asynccontextmanager
async def draining(made: Journal, kafka: Kafka) -> AsyncIterator[None]:
    """The loop that empties the spool, for a while."""
    stop = asyncio.Event()
    task = asyncio.create_task(drain(made, kafka, stop))
    yield
    stop.set()
    await task


async def test_writes_of_one_turn_are_one_send_and_each_gets_its_own_answers() -> None:
    kafka = Kafka(frozenset((b"b",)))
    made = journal(kafka)
    answers = await asyncio.gather(
        made.write([record("a")]), made.write([record("b"), record("c")]), made.write([])
    )
    assert kafka.sends == [[b"a", b"b", b"c"]]
    assert [[type(error) for error in own] for own in answers] == [
        [type(None)],
        [Unpublishable, type(None)],
        [],
    ]


async def test_a_group_does_not_wait_for_the_one_before() -> None:
    kafka = Kafka()
    kafka.may_answer.clear()
    made = journal(kafka)
    first = asyncio.create_task(made.write([record("a")]))
    await kafka.asked()
    second = asyncio.create_task(made.write([record("b")]))
    await kafka.asked()
    kafka.may_answer.set()
    assert await asyncio.gather(first, second) == [[None], [None]]


async def test_a_caller_who_has_gone_does_not_take_its_neighbours_along() -> None:
    kafka = Kafka()
    kafka.may_answer.clear()
    made = journal(kafka)
    gone, stays = (asyncio.create_task(made.write([record(name)])) for name in "ab")
    await kafka.asked()
    gone.cancel()
    kafka.may_answer.set()
    assert await stays == [None]
    assert kafka.sends == [[b"a", b"b"]]


async def test_without_a_spool_what_kafka_misses_is_refused_and_the_next_not_sent() -> None:
    kafka = Kafka(away=True)
    made = journal(kafka)
    answers = await asyncio.gather(made.write([record("a")]), made.write([record("b")]))
    answers.append(await made.write([record("c")]))
    assert [type(own[0]) for own in answers] == [NotSpooled] * 3
    assert kafka.sends == [[b"a", b"b"]]


async def test_what_kafka_misses_is_answered_by_the_spool_and_the_next_goes_there_at_once(
    tmp_path: Path,
) -> None:
    kafka = Kafka(away=True)
    async with spool_in(tmp_path) as spool:
        made = journal(kafka, spool)
        answers = await asyncio.gather(made.write([record("a")]), made.write([record("b")]))
        answers.append(await made.write([record("c")]))
        assert answers == [[None]] * 3
        assert kafka.sends == [[b"a", b"b"]]
        assert [one.key for one in await emptied(spool)] == [b"a", b"b", b"c"]


async def test_a_missed_deadline_takes_everything_under_way_to_the_spool_in_its_order(
    tmp_path: Path,
) -> None:
    kafka = Kafka()
    kafka.may_answer.clear()
    async with spool_in(tmp_path) as spool:
        made = journal(kafka, spool, acknowledge_seconds=0.2)
        writes = []
        for name in "abc":
            writes.append(asyncio.create_task(made.write([record(name)])))
            await kafka.asked()
            await asyncio.sleep(0.05)
        assert await writes[0] == [None]
        late = await made.write([record("d")])  # before the deadlines of b and c
        assert [*await asyncio.gather(*writes[1:]), late] == [[None]] * 3
        assert [one.key for one in await emptied(spool)] == [b"a", b"b", b"c", b"d"]


async def test_of_a_group_only_what_was_not_acknowledged_is_spooled(tmp_path: Path) -> None:
    kafka = Kafka(frozenset((b"never",)), unknown=frozenset((b"unknown",)))
    async with spool_in(tmp_path) as spool:
        made = journal(kafka, spool)
        names = ("never", "fine", "unknown")
        answers = await made.write([record(name) for name in names])
        assert [type(error) for error in answers] == [Unpublishable, type(None), type(None)]
        assert [one.key for one in await emptied(spool)] == [b"unknown"]


async def test_while_anything_is_spooled_new_events_go_behind_it_and_then_to_kafka_again(
    tmp_path: Path,
) -> None:
    kafka = Kafka(away=True)
    async with spool_in(tmp_path) as spool:
        made = journal(kafka, spool)
        await made.write([record("a")])
        kafka.away = False
        kafka.sends.clear()
        await made.write([record("b")])
        assert kafka.sends == []
        async with draining(made, kafka):
            await drained(made)
            await made.write([record("c")])
        assert kafka.sends == [[b"a"], [b"b"], [b"c"]]  # a alone asks for Kafka
        assert spool.is_empty
        assert not made.is_away


async def test_events_left_by_an_earlier_process_go_first(tmp_path: Path) -> None:
    async with spool_in(tmp_path) as spool:
        await spool.append([record("old")])
    kafka = Kafka()
    async with spool_in(tmp_path) as spool:
        made = journal(kafka, spool)
        writing = asyncio.create_task(made.write([record("new")]))
        async with draining(made, kafka):
            assert await writing == [None]
            await drained(made)
    assert [key for send in kafka.sends for key in send] == [b"old", b"new"]


async def test_until_the_spool_is_open_or_not_to_be_had_events_are_held_back() -> None:
    kafka = Kafka()
    closed = Spool(max_bytes=1, write_seconds=1)
    made = Journal(kafka, closed, acknowledge_seconds=0.2, most_touches=10)
    begun = asyncio.get_running_loop().time()
    assert await made.write([record("a")]) == [None]
    assert asyncio.get_running_loop().time() - begun >= 0.19
    assert await made.write([record("b")]) == [None]
    assert kafka.sends == [[b"a"], [b"b"]]


async def test_a_record_that_kafka_refuses_for_ever_holds_nobody_back(tmp_path: Path) -> None:
    kafka = Kafka(frozenset((b"b",)))
    async with spool_in(tmp_path) as spool:
        made = journal(kafka, spool)
        await spool.append([record(name) for name in "abc"])
        before = count("spool_records_damaged")
        async with draining(made, kafka):
            await drained(made)
        assert count("spool_records_damaged") == before + 1


async def test_what_kafka_took_of_a_chunk_is_not_sent_again(tmp_path: Path) -> None:
    kafka = Kafka(unknown=frozenset((b"b",)))
    async with spool_in(tmp_path) as spool:
        made = journal(kafka, spool)
        await spool.append([record(name) for name in "abc"])
        async with draining(made, kafka):
            await kafka.asked()
            await kafka.asked()
            kafka.unknown = frozenset()
            await drained(made)
    assert kafka.sends[0] == [b"a", b"b", b"c"]
    assert set(map(tuple, kafka.sends[1:])) == {(b"b",)}


async def test_told_to_stop_the_spool_stays_as_it_is(tmp_path: Path) -> None:
    kafka = Kafka()
    kafka.may_answer.clear()
    async with spool_in(tmp_path) as spool:
        made = journal(kafka, spool)
        await spool.append([record("a")])
        async with draining(made, kafka):
            await kafka.asked()
        assert spool.standing.records == 1


async def test_a_touch_does_not_wait_for_a_disk_that_is_slow_and_its_write_goes_on(
    tmp_path: Path,
) -> None:
    kafka = Kafka(away=True)
    async with spool_in(tmp_path) as spool:
        made = journal(kafka, spool)
        await made.write([record("a")])
        before = count("touches_unacknowledged")
        async with hanging(spool, tmp_path):
            begun = asyncio.get_running_loop().time()
            for _ in range(10):
                await made.entrust(record("touch"), within_seconds=0.01)
            await made.entrust(record("one too many"), within_seconds=0.01)
            assert asyncio.get_running_loop().time() - begun < 1
        assert count("touches_unacknowledged") == before + 1
        await made.close(within_seconds=1)
        assert count("touches_unacknowledged") == before + 1
    async with spool_in(tmp_path) as spool:
        assert len(await emptied(spool)) == 11


async def test_when_the_spool_can_hold_nothing_one_call_a_second_asks_kafka(tmp_path: Path) -> None:
    kafka = Kafka(away=True)
    async with spool_in(tmp_path, max_bytes=1) as spool:
        made = journal(kafka, spool)
        assert isinstance((await made.write([record("a")]))[0], NotSpooled)
        kafka.away = False
        async with asyncio.timeout(10):
            while await made.write([record("b")]) != [None]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert not made.is_away
        assert await made.write([record("c")]) == [None]
        assert kafka.sends == [[b"a"], [b"b"], [b"c"]]
