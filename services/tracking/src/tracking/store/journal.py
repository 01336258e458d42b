"""Where events become durable: acknowledged by all of Kafka's replicas.

What callers hand over in one turn of the event loop is written together and acknowledged together,
so that the price of waiting is paid once for all of them (group commit).

A caller waits only as long as it can afford; what it hands over goes on being written. How much may
be under way at once is bounded, so that a broker that is away does not fill the memory.
"""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple, Protocol

import structlog
from prometheus_client import Counter
from service_kit.producer import Record, Unacknowledged

log = structlog.stdlib.get_logger(__name__)

touches_unacknowledged = Counter(
    "goodword_touches_unacknowledged", "Clicks that were answered and never made durable"
)

Answers = list[Exception | None]
_UNTIL_KAFKA_IS_BACK_SECONDS = 86_400.0
_ASK_AGAIN_SECONDS = 1.0


class Publisher(Protocol):
    """The part of the kit's producer that the journal needs."""

    async def send_all(self, records: Sequence[Record], *, deadline_seconds: float) -> Answers:
        """Send records, in order per key; each one's error, or None once acknowledged."""


class _Write(NamedTuple):
    """What one caller hands over, and where it waits for the answers."""

    records: Sequence[Record]
    answers: "asyncio.Future[Answers]"


class Journal:
    """Writes events. Once Kafka has missed a deadline it is asked by single writes only, a while
    apart, until it acknowledges one; everything else is answered at once."""

    def __init__(
        self, publisher: Publisher, *, acknowledge_seconds: float, most_touches: int
    ) -> None:
        self._publisher = publisher
        self._acknowledge_seconds = acknowledge_seconds
        self._most_touches = most_touches
        self._touches: set[asyncio.Task[None]] = set()
        self._together: list[_Write] = []
        self._groups: set[asyncio.Task[None]] = set()
        self._ask_again_at: float | None = None

    async def write(self, records: Sequence[Record]) -> Answers:
        """Each record's error, or None where it is durable. Never raises.

        A record that was not acknowledged in time may still become durable later.
        """
        if not records:
            return []
        if not self._may_ask():
            return [Unacknowledged("Kafka is away")] * len(records)
        loop = asyncio.get_running_loop()
        write = _Write(records, loop.create_future())
        self._together.append(write)
        if len(self._together) == 1:
            loop.call_soon(self._begin_group)
        return await write.answers

    def _begin_group(self) -> None:
        writes, self._together = self._together, []
        group = asyncio.create_task(self._write_group(writes))
        self._groups.add(group)
        group.add_done_callback(self._groups.discard)

    async def _write_group(self, writes: Sequence[_Write]) -> None:
        records = [record for write in writes for record in write.records]
        answers = iter(await self._send(records, self._acknowledge_seconds))
        for write in writes:
            own = list(islice(answers, len(write.records)))
            if not write.answers.done():  # its caller may have gone
                write.answers.set_result(own)

    async def entrust(self, record: Record, *, within_seconds: float) -> None:
        """Write a touch whose caller goes on whatever becomes of it, after a short wait."""
        if len(self._touches) >= self._most_touches:
            touches_unacknowledged.inc()
            return
        writing = asyncio.create_task(self._keep(record))
        self._touches.add(writing)
        writing.add_done_callback(self._touches.discard)
        if self._ask_again_at is None:
            await asyncio.wait((writing,), timeout=within_seconds)

    async def close(self, *, within_seconds: float) -> None:
        """Wait for the touches under way, then give the rest up."""
        if self._touches:
            _done, late = await asyncio.wait(self._touches, timeout=within_seconds)
            for writing in late:
                writing.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _keep(self, record: Record) -> None:
        durable = False
        try:
            durable = await self._send((record,), _UNTIL_KAFKA_IS_BACK_SECONDS) == [None]
        finally:
            if not durable:
                touches_unacknowledged.inc()

    async def _send(self, records: Sequence[Record], within_seconds: float) -> Answers:
        try:
            answers = await self._publisher.send_all(records, deadline_seconds=within_seconds)
        except Exception as error:
            log.warning("Kafka is away", error=type(error).__qualname__)
            self._ask_again_at = asyncio.get_running_loop().time() + _ASK_AGAIN_SECONDS
            return [Unacknowledged(type(error).__qualname__)] * len(records)
        if self._ask_again_at is not None and None in answers:
            self._ask_again_at = None
        return answers

    def _may_ask(self) -> bool:
        if self._ask_again_at is None:
            return True
        now = asyncio.get_running_loop().time()
        if now < self._ask_again_at:
            return False
        self._ask_again_at = now + _ASK_AGAIN_SECONDS
        return True
