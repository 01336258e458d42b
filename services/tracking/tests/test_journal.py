"""The journal: what is handed over in one turn is written together, and answered apart."""

import asyncio
from collections.abc import Sequence

from service_kit.producer import Record, Unacknowledged, Unpublishable
from tracking.store.journal import Answers, Journal

LONG_SECONDS = 5.0


def record(name: str) -> Record:
    return Record("tracking.touches", name.encode(), [], b"{}")


class Kafka:
    """Takes what it is sent, refuses some keys, and may be away."""

    def __init__(self, refused: frozenset[bytes] = frozenset(), *, away: bool = False) -> None:
        self.sends: list[list[bytes | None]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._asked: asyncio.Queue[None] = asyncio.Queue()
        self._refused = refused
        self.away = away

    async def send_all(self, records: Sequence[Record], *, deadline_seconds: float) -> Answers:
        self.sends.append([record.key for record in records])
        self._asked.put_nowait(None)
        await asyncio.wait_for(self.may_answer.wait(), deadline_seconds)
        if self.away:
            raise Unacknowledged("away")
        return [Unpublishable("no") if r.key in self._refused else None for r in records]

    async def asked(self) -> None:
        """Until it was asked once more."""
        await asyncio.wait_for(self._asked.get(), LONG_SECONDS)


def journal(kafka: Kafka) -> Journal:
    return Journal(kafka, acknowledge_seconds=LONG_SECONDS, most_touches=10)


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


async def test_while_kafka_is_away_a_group_is_refused_and_the_next_not_even_sent() -> None:
    kafka = Kafka(away=True)
    made = journal(kafka)
    answers = await asyncio.gather(made.write([record("a")]), made.write([record("b")]))
    answers.append(await made.write([record("c")]))
    assert [type(own[0]) for own in answers] == [Unacknowledged] * 3
    assert kafka.sends == [[b"a", b"b"]]
