"""Runs a service: HTTP at once, everything else as soon as what it needs answers.

Stop, on SIGTERM or SIGINT: stop accepting, let requests end, let the batch in hand commit, publish
what it emitted, disconnect. Exit code 1 if something ended the process that should not have.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, NoReturn, TypeVar

import structlog
import uvloop
from aiokafka.errors import KafkaError
from litestar import Litestar

from . import logs, metrics, upkeep, waking
from .consumer import Consumer, Fatal
from .due_loop import DueLoop
from .failures import is_transient
from .http import create_app, serve
from .instance import Claim, claimed
from .migrate import MigrationRefused, migrate, read_migrations
from .producer import Producer
from .redaction import redact_text
from .relay import Relay
from .runtime import AnyRuntime, Runtime
from .service import Service
from .settings import KitSettings
from .status import Parts, internal
from .tables import TableReader
from .telemetry import Telemetry
from .waiting import backoff, first_of

log = structlog.stdlib.get_logger(__name__)

_OBJECTS_BEFORE_COLLECTION = 50_000  # several batches: a batch of 500 makes thousands at once
_TABLES_FIRST_SECONDS = 60.0
S = TypeVar("S", bound=KitSettings)
Part = Callable[[asyncio.Event], Awaitable[None]]


def main(service: Service[S], settings: S) -> NoReturn:
    """Run a service until it is told to stop; never returns."""
    logs.configure(settings, service.name)
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    sys.exit(uvloop.run(run(service, settings)))


async def run(service: Service[S], settings: S) -> int:
    """Run a service until SIGTERM or SIGINT. Returns the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    telemetry = Telemetry(
        service.name,
        instance=str(settings.ordinal or 0),
        ratio=settings.trace_sample_ratio,
        endpoint=settings.otlp_endpoint,
    )
    runtime = Runtime(service, settings, telemetry=telemetry, producer=Producer(settings))
    process = Process(runtime, stop)
    app = application(runtime, process.parts)
    working = asyncio.create_task(process.run(), name="kit work")
    try:
        await serve(app, settings, stop)
    except Exception:
        log.exception("the HTTP server failed")
        process.exit_code = 1
    stop.set()
    await working
    await telemetry.close()
    return process.exit_code


def application(runtime: Runtime[S], parts: Parts) -> Litestar:
    """The HTTP application of a service: its routes, and the kit's own."""
    service = runtime.service
    return create_app(
        service.routes(runtime) if service.routes is not None else [],
        settings=runtime.settings,
        internal=internal(runtime, parts),
        telemetry=runtime.telemetry,
        title=service.name,
        bearers=service.bearers,
    )


class Process:
    """Everything of a service that is not HTTP: starts it, keeps it running, stops it in order."""

    def __init__(self, runtime: AnyRuntime, stop: asyncio.Event) -> None:
        self._runtime = runtime
        self._stop = stop
        self._quiet = asyncio.Event()  # nothing writes to the outbox any more
        self.parts = Parts()
        self.exit_code = 0

    async def run(self) -> None:
        """Work until the process is to stop, then wind up."""
        try:
            await self._keep("start", self._with_claim, self._stop)
        finally:
            self._stop.set()
            await self._runtime.producer.stop()
            await self._runtime.close_pool()

    async def _with_claim(self, _stop: asyncio.Event) -> None:
        if self._runtime.service.migrations is not None:
            await migrate_database(self._runtime)
            await self._runtime.open_pool()
        async with claimed(self._runtime) as claim:
            self._runtime.instance = f"{self._runtime.service.name}-{claim.ordinal}"
            self.parts.ordinal = claim.ordinal
            await self._work(claim)

    async def _work(self, claim: Claim) -> None:
        """First what writes, then the relay: each group stops before the next."""
        writers, relay = self._writers(claim), self._relay()
        writing = [self._task(name, part, self._stop) for name, part in writers.items()]
        relaying = [self._task(name, part, self._quiet) for name, part in relay.items()]
        self.parts.started = True
        self.parts.failing.pop("start", None)
        await first_of(self._stop, claim.lost)
        if claim.lost.is_set():
            self._fail("the instance lock is lost")
        await asyncio.gather(*writing)
        self._quiet.set()
        await asyncio.gather(*relaying)

    def _writers(self, claim: Claim) -> dict[str, Part]:
        runtime, service = self._runtime, self._runtime.service
        parts: dict[str, Part] = {}
        if service.hears:
            consumer = self.parts.consumer = Consumer(runtime, ordinal=claim.ordinal)
            parts["consumer"] = lambda stop: consume(runtime, consumer, stop)
        if service.tables:
            self.parts.tables = TableReader(runtime)
            parts["tables"] = self.parts.tables.run
        if service.due:
            parts["due"] = DueLoop(runtime, self.parts.consumer).run
        if service.migrations is not None:
            parts["upkeep"] = lambda stop: upkeep.run(runtime, stop)
            parts["waking"] = lambda stop: waking.run(runtime, stop)
        for name, loop in service.loops.items():
            parts[f"loop {name}"] = _bound(loop, runtime)
        return parts

    def _relay(self) -> dict[str, Part]:
        return {"relay": Relay(self._runtime).run} if self._runtime.service.migrations else {}

    def _task(self, name: str, part: Part, stop: asyncio.Event) -> "asyncio.Task[None]":
        return asyncio.create_task(self._keep(name, part, stop), name=f"kit {name}")

    async def _keep(self, name: str, part: Part, stop: asyncio.Event) -> None:
        """Run a part until it is to stop; begin again, after a pause, when it raises."""
        pauses = backoff(self._runtime.settings)
        while True:
            try:
                await part(stop)
                return
            except (Fatal, MigrationRefused) as error:
                self._fail(str(error))
                return
            except Exception as error:
                self.parts.failing[name] = redact_text(f"{type(error).__name__}: {error}")[:200]
                metrics.loop_restarts(name).inc()
                ours = not is_transient(error) and not isinstance(error, KafkaError)
                log.warning("a part failed", part=name, error=repr(error), exc_info=ours)
            if stop.is_set():
                return
            await first_of(stop, seconds=next(pauses))
            self.parts.failing.pop(name, None)

    def _fail(self, reason: str) -> None:
        log.critical("the process ends", reason=reason)
        self.exit_code = 1
        self._stop.set()


async def consume(
    runtime: AnyRuntime,
    consumer: Consumer,
    stop: asyncio.Event,
    patience_seconds: float = _TABLES_FIRST_SECONDS,
) -> None:
    """Consume once the tables are read: else a whole backlog would be held, to wait for them.

    Not for ever: a table topic that is missing makes what needs it wait, and nothing else.
    """
    await first_of(runtime.tables_at_end, stop, seconds=patience_seconds)
    if not runtime.tables_at_end.is_set():
        log.warning("consuming begins before the tables are read to their end")
    if not stop.is_set():
        await consumer.run(stop)


async def migrate_database(runtime: AnyRuntime) -> None:
    """Bring the schema up to date. Raises MigrationRefused, or what connecting does."""
    if runtime.service.migrations is None:
        return
    connection = await runtime.database.connect()
    try:
        kit = read_migrations("kit", files("service_kit") / "migrations")
        own = read_migrations(runtime.service.name, runtime.service.migrations)
        await migrate(connection, [*kit, *own])
        await upkeep.make_days(connection, runtime.settings.partitions_ahead_days)
    finally:
        await connection.close()


def _bound(loop: Callable[[Any, asyncio.Event], Awaitable[None]], runtime: AnyRuntime) -> Part:
    return lambda stop: loop(runtime, stop)
