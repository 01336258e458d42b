"""What routes, loops and the kit's own parts share while a service runs."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import asyncpg
from shared_schemas.event import EventData

from . import handling
from .crash import crash_point
from .database import Database
from .events import Event
from .failures import DeadLetters
from .intake import Reader
from .problems import Transient
from .producer import Producer
from .service import Service
from .settings import KitSettings
from .telemetry import Telemetry
from .transaction import Allowance, Transaction

S = TypeVar("S", bound=KitSettings)


class Runtime(Generic[S]):
    """A running service. Its pool opens when the database first answers.

    `tables_at_end` is set once all that table topics had at this start is heard; it stays so.
    """

    def __init__(
        self, service: Service[S], settings: S, *, telemetry: Telemetry, producer: Producer
    ) -> None:
        self.service = service
        self.settings = settings
        self.telemetry = telemetry
        self.producer = producer
        self.reader = _reader(service, settings, service.hears)
        self.table_reader = _reader(service, settings, service.tables)
        self.outbox_written = asyncio.Event()
        self.due_written = asyncio.Event()
        self.waiters_left = asyncio.Event()
        self.tables_at_end = asyncio.Event()
        if not service.tables:
            self.tables_at_end.set()
        self.dead_letters = DeadLetters(
            settings.dead_letter_ratio,
            settings.dead_letter_minimum,
            settings.dead_letter_window_seconds,
            time.monotonic,
        )
        self.instance = service.name
        self._pool: asyncpg.Pool | None = None
        self._heard = frozenset(service.group_topics)
        self._ordered = {name for name, topic in service.group_topics.items() if topic.ordered}

    @property
    def database(self) -> Database:
        """Where the service keeps its rows."""
        return self.settings.postgres(self.instance)

    @property
    def pool(self) -> asyncpg.Pool:
        """The connections of routes, handlers and loops. Raises Transient until it is open."""
        if self._pool is None:
            raise Transient("the database has not answered yet")
        return self._pool

    async def open_pool(self) -> None:
        """Connect, unless it is connected already: a pool that lost its server finds it again."""
        if self._pool is None:
            self.use_pool(await self.database.open_pool())

    def use_pool(self, pool: asyncpg.Pool) -> None:
        """Take a pool that is open."""
        self._pool = pool

    async def close_pool(self) -> None:
        """Disconnect, if connected."""
        if self._pool is not None:
            await asyncio.wait_for(self._pool.close(), self.settings.stop_seconds)
            self._pool = None

    def now(self) -> datetime:
        """The wall clock, for the edge alone: what is decided takes its time from its cause."""
        return datetime.now(UTC)

    @asynccontextmanager
    async def transaction(
        self, connection: asyncpg.Connection | None = None, *, step: str = ""
    ) -> AsyncIterator[Transaction]:
        """A transaction that commits when the block ends, with everything said in it.

        `step` names the crash point before the commit. Whose work it left is woken.
        """
        if connection is None:
            patience = self.settings.command_timeout_seconds
            async with (
                self.pool.acquire(timeout=patience) as pooled,
                self.transaction(pooled, step=step) as tx,
            ):
                yield tx
            return
        async with connection.transaction():
            tx = Transaction(connection, name=self.service.name, topics=self.service.topics)
            tx.allowance = Allowance(self.settings.batch_max_records)
            yield tx
            await handling.complete(self, tx)
            crash_point(f"before_{step}_commit" if step else "before_commit")
        if "outbox" in tx.written:
            self.outbox_written.set()
        if "due" in tx.written:
            self.due_written.set()
        if "left" in tx.written:
            self.waiters_left.set()

    def hears(self, event: Event[EventData]) -> bool:
        """Whether an event came by the consumer group, not from a table topic."""
        return event.topic in self._heard

    def is_ordered(self, topic: str) -> bool:
        """Whether a held event of this topic holds back the later ones of its key."""
        return topic in self._ordered


AnyRuntime = Runtime[Any]


def _reader(
    service: Service[Any], settings: KitSettings, models: tuple[type[EventData], ...]
) -> Reader:
    types = frozenset(model.TYPE for model in models)
    return Reader(service.topics, types, settings.event_max_bytes)
