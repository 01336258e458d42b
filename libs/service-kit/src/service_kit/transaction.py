"""A database transaction, and what it will say when it commits.

Everything a handler says (`emit`, `wait_for`, `fact`, `due`) is kept here and written at the end,
one statement a table, while the rows that the handler locked are still locked.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
from shared_schemas.envelope import Envelope
from shared_schemas.event import EventData
from shared_schemas.table import TopicTable

from .events import Cause, DueRow, Event, emitted_id
from .intake import RawHeaders

MAX_EMITTED_BYTES = 900_000


class Emission(NamedTuple):
    """One record to publish; `topic` is without the deployment's prefix."""

    topic: str
    key: bytes | None
    headers: RawHeaders
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Wait:
    """An event that its handler cannot handle before it knows `kind`, `id`."""

    event: Event[EventData]
    kind: str
    id: str


@dataclass(slots=True)
class Allowance:
    """How many more held events a transaction may handle; the rest is for the next ones."""

    left: int = 0


class Transaction:
    """One open database transaction of the service `name`, publishing by `topics`."""

    def __init__(self, connection: asyncpg.Connection, *, name: str, topics: TopicTable) -> None:
        self.connection = connection
        self.name = name
        self.topics = topics
        self.emissions: list[Emission] = []
        self.waits: list[Wait] = []
        self.facts: set[tuple[str, str]] = set()
        self.due_rows: dict[tuple[str, str, datetime], DueRow] = {}
        self.written: set[str] = set()  # "outbox", "due", "left": whom to wake after the commit
        self.asked: set[tuple[str, str, str, str]] = set()  # who was handled again, for which fact
        self.allowance = Allowance()
        self._ordinals: Counter[tuple[str, str, str]] = Counter()

    def emit(
        self, data: EventData, *, cause: Cause, n: int | None = None, subject: str | None = None
    ) -> str:
        """Publish `data` when this commits, and return its event id.

        The id is the same whenever the same cause is handled: uuid5 of cause, type and `n`, by
        default the ordinal among the cause's emissions of that type. Its time is the cause's now.
        """
        topic = self.topics.home(data.TYPE, owner=self.name)
        key = topic.key_of(data)
        event_id = emitted_id(cause, data.TYPE, self._ordinal(cause, data.TYPE) if n is None else n)
        envelope = Envelope(
            event_id=event_id,
            event_type=data.TYPE,
            source=self.name,
            time=cause.now,
            key=key,
            subject=subject,
            correlation_id=cause.correlation_id,
            causation_id=cause.event_id,
            traceparent=cause.traceparent,
        )
        body = data.to_json()
        if len(body) > MAX_EMITTED_BYTES:
            raise ValueError(f"{data.TYPE} has {len(body)} bytes; Kafka would refuse it")
        self.emissions.append(Emission(topic.name, key.encode(), envelope.to_headers(), body))
        return event_id

    def wait_for(self, event: Event[EventData], kind: str, fact_id: str) -> None:
        """Handle `event` again when the fact is known; its handler now changes nothing for it."""
        self.waits.append(Wait(event, kind, fact_id))

    def fact(self, kind: str, fact_id: str) -> None:
        """Announce what others may wait for; they are handled in this very transaction."""
        self.facts.add((kind, fact_id))

    def due(
        self,
        kind: str,
        subject: str,
        due_at: datetime,
        *,
        cause: Cause,
        payload: Mapping[str, object] | None = None,
    ) -> None:
        """Have `kind` handled at `due_at`, once per (kind, subject, due_at). `payload` is JSON."""
        self.due_rows[kind, subject, due_at] = DueRow(kind, subject, due_at, payload or {}, cause)

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """All rows of a query."""
        rows: list[asyncpg.Record] = await self.connection.fetch(sql, *args)
        return rows

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        """The first row of a query."""
        return await self.connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first value of the first row of a query."""
        return await self.connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> str:
        """Run one statement and return its status."""
        status: str = await self.connection.execute(sql, *args)
        return status

    async def executemany(self, sql: str, args: Sequence[Sequence[object]]) -> None:
        """Run one statement for each of `args`, in one round trip."""
        await self.connection.executemany(sql, args)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator["Transaction"]:
        """A transaction inside this one: what it wrote and said goes when the block raises."""
        inner = Transaction(self.connection, name=self.name, topics=self.topics)
        inner.asked, inner.written = self.asked, self.written
        inner.allowance = self.allowance
        async with self.connection.transaction():
            yield inner

    def take_waits(self) -> tuple[list[Wait], set[tuple[str, str]]]:
        """The waits and facts said so far; afterwards none are."""
        waits, facts = self.waits, self.facts
        self.waits, self.facts = [], set()
        return waits, facts

    def _ordinal(self, cause: Cause, event_type: str) -> int:
        place = (cause.source, cause.event_id, event_type)
        self._ordinals[place] += 1
        return self._ordinals[place] - 1
