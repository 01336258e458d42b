"""Where events become durable: acknowledged by all of Kafka's replicas, or synced in the spool.

What callers hand over in one turn of the event loop is written together and acknowledged together,
so that the price of waiting is paid once for all of them (group commit).

Kafka is written to directly while it keeps its deadline. As soon as one is missed, everything that
is under way goes to the spool, in its order, and so does everything that comes until the spool is
sent: later events of a key stay behind its earlier ones. A caller waits only as long as it can
afford; what it hands over goes on being written.
"""

import asyncio
import math
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import structlog
from prometheus_client import Counter
from service_kit.producer import Record

from .group_commit import Answer
from .spool import Spool
from .writes import Answers, Group, Write

log = structlog.stdlib.get_logger(__name__)

touches_unacknowledged = Counter(
    "goodword_touches_unacknowledged", "Clicks that were answered and never made durable"
)

ASK_AGAIN_SECONDS = 1.0
_LAST_ANSWERS_SECONDS = 0.1


class Publisher(Protocol):
    """The part of the kit's producer that the journal needs."""

    async def send_all(self, records: Sequence[Record], *, deadline_seconds: float) -> Answers:
        """Send records, in order per key; each one's error, or None once acknowledged."""


class Journal:
    """Writes events to Kafka, else to the spool."""

    def __init__(
        self,
        publisher: Publisher,
        spool: Spool,
        *,
        acknowledge_seconds: float,
        most_touches: int,
    ) -> None:
        self.spool = spool
        self._publisher = publisher
        self._acknowledge_seconds = acknowledge_seconds
        self._most_touches = most_touches
        self._touches: set[asyncio.Future[Answers]] = set()
        self._together: list[Write] = []
        self._has_begun = False
        self._sending: dict[Group, asyncio.Task[None]] = {}  # in the order of their sending
        self.is_away = False  # it missed a deadline, and has acknowledged nothing since
        self._ask_again_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Write from now on, the spool being open or not to be had. What was handed over before
        was held back, since older events may lie in the spool; for `acknowledge_seconds`, at
        most."""
        self._has_begun = True
        self._begin_group()

    async def write(self, records: Sequence[Record]) -> Answers:
        """Each record's error, or None where it is durable. Never raises.

        A record that was not made durable in time may still become so later.
        """
        return await self._hand_over(records) if records else []

    async def entrust(self, record: Record, *, within_seconds: float) -> None:
        """Write a touch whose caller goes on whatever becomes of it, after a short wait."""
        if len(self._touches) >= self._most_touches:
            touches_unacknowledged.inc()
            return
        answers = self._hand_over((record,))
        self._touches.add(answers)
        answers.add_done_callback(self._touch_answered)
        await asyncio.wait((answers,), timeout=within_seconds)

    def status(self) -> dict[str, object]:
        """What `/internal/status` says: the spool is empty when `spooled` is 0."""
        standing = self.spool.standing
        return {
            "spooled": max(standing.records, int(not self.spool.is_empty)),
            "spool_bytes": standing.bytes,
            "spool_segments": standing.segments,
            "spool_oldest_seconds": round(standing.oldest_seconds, 3),
            "spool_is_open": self.spool.is_open,
            "kafka_is_away": self.is_away,
        }

    def kafka_answered(self) -> None:
        """A record was acknowledged: Kafka is back."""
        self.is_away = False

    def kafka_is_away(self, reason: str) -> None:
        """A deadline was missed: what is under way goes to the spool, in its order."""
        if not self.is_away:
            log.warning("Kafka is away; events go to the spool", reason=reason)
            self._ask_again_at = asyncio.get_running_loop().time() + ASK_AGAIN_SECONDS
        self.is_away = True
        self._cut()

    async def close(self, *, within_seconds: float) -> None:
        """Wait for what is under way, then spool it. What even the spool refuses is given up."""
        self.begin()
        under_way = [*self._sending.values(), *([self._asking] if self._asking else [])]
        if under_way:
            await asyncio.wait(under_way, timeout=within_seconds)
        if self._sending:
            self.kafka_is_away("this process ends")
        self._ask_again_at = math.inf
        await self.spool.close()
        if self._touches:
            await asyncio.wait(self._touches, timeout=_LAST_ANSWERS_SECONDS)
        for answers in list(self._touches):
            answers.cancel()

    def _hand_over(self, records: Sequence[Record]) -> "asyncio.Future[Answers]":
        loop = asyncio.get_running_loop()
        write = Write(records, loop.create_future())
        self._together.append(write)
        if len(self._together) == 1:
            if self._has_begun:
                loop.call_soon(self._begin_group)
            else:
                loop.call_later(self._acknowledge_seconds, self.begin)
        return write.answers

    def _begin_group(self) -> None:
        if not self._together:
            return
        writes, self._together = self._together, []
        group = Group(writes)
        if self.is_away or self.spool.holds:
            self._to_spool(group)
        else:
            self._sending[group] = asyncio.create_task(self._send(group))

    async def _send(self, group: Group) -> None:
        try:
            answers = await self._publisher.send_all(
                group.records, deadline_seconds=self._acknowledge_seconds
            )
        except Exception as error:
            if group in self._sending:
                self.kafka_is_away(type(error).__qualname__)
            return
        group.note(answers)
        if not group.open_records:
            group.settle(None)
            self._sending.pop(group, None)
        elif group in self._sending and None in answers:
            self._cut()  # what was sent behind it may be refused for the same reason
        elif group in self._sending:
            self.kafka_is_away("it acknowledges nothing")

    def _cut(self) -> None:
        """What is under way goes to the spool, in the order of its sending."""
        sending, self._sending = self._sending, {}
        for group in sending:
            self._to_spool(group)

    def _to_spool(self, group: Group) -> None:
        self.spool.append(group.open_records).add_done_callback(partial(self._spooled, group))

    def _spooled(self, group: Group, answer: Answer) -> None:
        error = answer.result()
        if error is None:
            group.settle(None)
        elif self._may_ask():
            self._asking = asyncio.create_task(self._ask(group, error))
        else:
            group.settle(error)

    def _may_ask(self) -> bool:
        """Whether Kafka, away, may be asked by what the spool refused: nothing lies before it."""
        now = asyncio.get_running_loop().time()
        if not (self.is_away and self.spool.is_empty and now >= self._ask_again_at):
            return False
        self._ask_again_at = now + ASK_AGAIN_SECONDS
        return True

    async def _ask(self, group: Group, refusal: Exception) -> None:
        """The only sign that Kafka is back, while the spool can hold nothing."""
        try:
            answers = await self._publisher.send_all(
                group.records, deadline_seconds=self._acknowledge_seconds
            )
        except Exception as error:
            log.debug("Kafka is still away", error=type(error).__qualname__)
        else:
            group.note(answers)
            if None in answers:
                self.kafka_answered()
        group.settle(refusal)

    def _touch_answered(self, answers: "asyncio.Future[Answers]") -> None:
        self._touches.discard(answers)
        if answers.cancelled() or answers.result() != [None]:
            touches_unacknowledged.inc()
