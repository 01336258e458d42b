"""For the tests of a service: its handlers on a real database, through the kit's real batch code.

No Kafka: events are delivered by calls, emissions are read back from the outbox.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast
from uuid import uuid4

import asyncpg
from litestar import Litestar
from pydantic import SecretStr
from shared_schemas.envelope import Envelope
from shared_schemas.event import EventData

from . import batch, due, held, tables, upkeep, waking
from .events import Event, derived_id
from .intake import Delivery, unpack_headers
from .main import application, migrate_database
from .producer import Producer
from .runtime import Runtime
from .service import Service
from .settings import KitSettings
from .status import Parts, decide
from .telemetry import Telemetry
from .transaction import Transaction

S = TypeVar("S", bound=KitSettings)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
# What asyncpg says on its own: between two users of a connection, and when it meets a type.
_ASYNCPGS = ("pg_advisory_unlock_all", "typeinfo_tree", "'jit'")


@dataclass(frozen=True, slots=True)
class Given:
    """An event to deliver. Its topic is the type's home unless it says otherwise."""

    data: EventData
    envelope: Envelope
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """An event or due row that was set aside."""

    source: str
    id: str
    reason: str
    detail: str


def event(
    data: EventData,
    *,
    at: datetime = EPOCH,
    id: str | None = None,  # noqa: A002 - reads best at the call
    source: str = "test",
    topic: str | None = None,
    **attributes: str,
) -> Given:
    """An event as its owner would publish it; by default the same data is the same event.

    `attributes` are the envelope's others: key, body_hash, traceparent, correlation_id.
    """
    envelope = Envelope(
        event_id=id or derived_id(data.TYPE, data.to_json().decode(), at.isoformat()),
        event_type=data.TYPE,
        source=source,
        time=at,
        **attributes,
    )
    return Given(data, envelope, topic)


def migrations_of(service: Service[Any]) -> Callable[[str], Awaitable[None]]:
    """Migrates the database at a URL for a service: what the `fresh_database` fixture asks for."""

    async def migrate(url: str) -> None:
        async with Harness(service, url):
            pass

    return migrate


class Harness(Generic[S]):
    """A service on a database of its own: `async with Harness(SERVICE, url) as harness`.

    `statements` counts the statements of the last call, BEGIN and COMMIT included. `partition` is
    where its events come from: two instances of a service never read the same one.
    """

    def __init__(
        self,
        service: Service[S],
        database_url: str,
        settings: S | None = None,
        *,
        partition: int = 0,
    ) -> None:
        self.service = service
        self.statements = 0
        self._statements: list[str] = []
        made = settings or cast(S, _settings(database_url))
        self.runtime = Runtime(
            service, made, telemetry=Telemetry(service.name), producer=Producer(made)
        )
        self._partition, self._offset = partition, 0
        self._seen = 0
        self._emitted: list[Event[EventData]] = []

    async def __aenter__(self) -> "Harness[S]":
        await migrate_database(self.runtime)
        self.runtime.use_pool(await _counting_pool(self.runtime, self._statements.append))
        self.runtime.tables_at_end.set()
        self._seen = await self.runtime.pool.fetchval(
            "SELECT coalesce(max(seq), 0) FROM kit.outbox"
        )
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.runtime.close_pool()

    async def deliver(self, *events: Given, strict: bool = True) -> None:
        """Take events up as one batch. `strict`: raises what parked an event, else it is parked."""
        deliveries = [self._delivery(given) for given in events]
        before = await self.parked()
        await self._counted(batch.process(self.runtime, deliveries))
        if strict and (new := [row for row in await self.parked() if row not in before]):
            raise AssertionError(f"parked: {new}")

    async def hear_table(self, *events: Given) -> None:
        """Have the service hear records of table topics, all in one transaction."""
        deliveries = [self._delivery(given) for given in events]
        await self._counted(tables.apply(self.runtime, deliveries))

    async def fire_due(self, until: datetime) -> int:
        """Fire every due row up to then, those too that firing adds. Returns how many."""
        return int(await self._counted(self._fire_all(until)))

    async def upkeep(self, now: datetime) -> None:
        """Run the housekeeping as if it were `now`: old waits are parked."""
        await self._counted(upkeep.once(self.runtime, now))

    async def release(self, row: Parked, actor: str = "tester") -> str:
        """Release a parked event, as an operator would. Raises Rejected."""
        return str(await self._counted(self._decide(row, actor, apply=True)))

    async def discard(self, row: Parked, actor: str = "tester") -> str:
        """Discard a parked event, as an operator would. Raises Rejected."""
        return str(await self._counted(self._decide(row, actor, apply=False)))

    async def _decide(self, row: Parked, actor: str, *, apply: bool) -> str:
        return await decide(self.runtime, (row.source, row.id), actor, apply=apply)

    def app(self) -> Litestar:
        """The service's application, as a process of it serves it."""
        return application(self.runtime, Parts())

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """What `runtime.transaction()` gives to a route."""
        return self.runtime.transaction()

    def emitted(self, *models: type[EventData]) -> list[Event[EventData]]:
        """What the last call emitted, in order; only these types if any are given."""
        return [e for e in self._emitted if not models or isinstance(e.data, models)]

    async def emitted_all(self, *models: type[EventData]) -> list[Event[EventData]]:
        """Everything emitted so far, in order."""
        events = await self._outbox(0)
        return [e for e in events if not models or isinstance(e.data, models)]

    async def parked(self) -> list[Parked]:
        """The parked events, then the parked due rows."""
        rows = await held.parked(self.runtime.pool, 1_000)
        found = [Parked(row.source, row.id, row.reason or "", row.detail or "") for row in rows]
        due_rows = await self.fetch(
            "SELECT kind, subject, parked_reason FROM kit.due WHERE parked_reason IS NOT NULL"
        )
        return found + [
            Parked(
                f"{self.service.name}/due",
                f"{row['kind']}/{row['subject']}",
                "due_failed",
                row["parked_reason"],
            )
            for row in due_rows
        ]

    async def waiting(self) -> list[tuple[str, str]]:
        """The (kind, id) that events wait for."""
        rows = await self.fetch(
            "SELECT kind, fact_id FROM kit.held WHERE state = 'waiting' ORDER BY kind, fact_id"
        )
        return [(row["kind"], row["fact_id"]) for row in rows]

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Rows of any query."""
        rows: list[asyncpg.Record] = await self.runtime.pool.fetch(sql, *args)
        return rows

    async def snapshot(self) -> dict[str, list[asyncpg.Record]]:
        """Every row of every table of the service (schema `public`), to be compared."""
        names = await self.fetch(
            """
            SELECT relname FROM pg_stat_user_tables
             WHERE schemaname = 'public' AND relname <> 'schema_migrations' ORDER BY relname
            """
        )
        return {
            row["relname"]: await self.fetch(f'SELECT * FROM "{row["relname"]}" AS t ORDER BY t')  # noqa: S608
            for row in names
        }

    async def _fire_all(self, until: datetime) -> int:
        fired = 0
        while count := await due.fire(self.runtime, until):
            fired += count
        return fired

    async def _counted(self, call: Awaitable[Any]) -> Any:
        self._statements.clear()
        result = await call
        while self.runtime.waiters_left.is_set():
            if not await waking.go_on(self.runtime):
                self.runtime.waiters_left.clear()
        self.statements = sum(not _is_asyncpgs(sql) for sql in self._statements)
        self._emitted = await self._outbox(self._seen)
        self._seen += len(self._emitted)
        return result

    async def _outbox(self, after: int) -> list[Event[EventData]]:
        rows = await self.fetch(
            "SELECT seq, topic, key, headers, body FROM kit.outbox WHERE seq > $1 ORDER BY seq",
            after,
        )
        return [self._event(row) for row in rows if ".dlq." not in row["topic"]]

    def _event(self, row: asyncpg.Record) -> Event[EventData]:
        envelope = Envelope.from_headers(unpack_headers(row["headers"]))
        model = self.service.topics.model(envelope.event_type)
        assert model is not None
        data = model.model_validate_json(row["body"])
        key = row["key"].decode()
        return Event(
            envelope, row["topic"], 0, row["seq"], key, data, row["body"], envelope.traceparent
        )

    def _delivery(self, given: Given) -> Delivery:
        self._offset += 1
        topic = given.topic or self._home(given.data)
        known = self.service.topics[topic]
        key = given.envelope.key or known.key_of(given.data)
        return Delivery(
            topic=topic,
            partition=self._partition,
            offset=self._offset,
            key=key.encode(),
            headers=given.envelope.to_headers(),
            body=given.data.to_json(),
            timestamp=given.envelope.time,
        )

    def _home(self, data: EventData) -> str:
        homes = [topic.name for topic in self.service.topics if type(data) in topic.events]
        if len(homes) != 1:
            raise LookupError(f"{data.TYPE} is on {homes}; say topic=")
        return homes[0]


async def _counting_pool(runtime: Runtime[Any], count: Callable[[str], None]) -> asyncpg.Pool:
    async def watch(connection: asyncpg.Connection) -> None:
        connection.add_query_logger(lambda query: count(query.query))

    return await runtime.database.open_pool(init=watch)


def _is_asyncpgs(sql: str) -> bool:
    return any(mark in sql for mark in _ASYNCPGS)


def _settings(database_url: str) -> KitSettings:
    return KitSettings(
        database=SecretStr(database_url), operator_token=SecretStr(f"{uuid4()}"), ordinal=0
    )
