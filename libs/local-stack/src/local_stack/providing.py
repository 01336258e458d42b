"""Choose where Kafka and PostgreSQL come from, start what is needed, stop it at the end."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .containers import containers, engine_answers
from .errors import Unreachable
from .infrastructure import Infrastructure
from .jars import JarCache, fetch, user_cache
from .kafka import LocalKafka
from .leftovers import stop_recorded
from .platforms import check_platform
from .postgres import LocalPostgres
from .progress import Progress, Report, Stage, silent
from .ready import kafka_answers, postgres_answers, wait_for
from .server import LocalServer
from .state import StateFolder

KAFKA_VARIABLE = "GOODWORD_KAFKA"
POSTGRES_VARIABLE = "GOODWORD_POSTGRES"
STACK_VARIABLE = "GOODWORD_STACK"
NAMED_SECONDS = 10.0  # a server named in the environment should run already


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the environment asks for: servers that run already, or containers."""

    kafka: str | None
    postgres: str | None
    containers: bool

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Wanted":
        """An empty variable counts as unset."""
        return cls(
            kafka=environment.get(KAFKA_VARIABLE) or None,
            postgres=environment.get(POSTGRES_VARIABLE) or None,
            containers=environment.get(STACK_VARIABLE) == "containers",
        )


@asynccontextmanager
async def provide(
    state: Path,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    environment: Mapping[str, str] | None = None,
    patience_seconds: float = NAMED_SECONDS,
) -> AsyncIterator[Infrastructure]:
    """Both servers, answering, for as long as the context lasts.

    Those named by GOODWORD_KAFKA and GOODWORD_POSTGRES are used as they are. The others come
    from containers with GOODWORD_STACK=containers and an engine that answers, else they run as
    local processes with their data in `state`. Raises `StackError`; its message says what to do.
    """
    wanted = Wanted.read(os.environ if environment is None else environment)
    report = on_progress or silent
    await _check_named(wanted, patience_seconds)
    if wanted.kafka and wanted.postgres:
        yield Infrastructure(kafka_bootstrap=wanted.kafka, postgres_url=wanted.postgres)
    elif wanted.containers and await engine_answers():
        async with containers(kafka=wanted.kafka, postgres=wanted.postgres, report=report) as both:
            yield both
    else:
        async with _local(state, wanted, report) as both:
            yield both


@asynccontextmanager
async def _local(state: Path, wanted: Wanted, report: Report) -> AsyncIterator[Infrastructure]:
    check_platform()
    folder = StateFolder.at(state)
    async with AsyncExitStack() as stack:
        stack.enter_context(folder.held())
        folder.prepare()
        await stop_recorded(folder)
        kafka = None if wanted.kafka else LocalKafka(state)
        postgres = None if wanted.postgres else LocalPostgres(state)
        for server in (kafka, postgres):
            if server is not None:
                stack.push_async_callback(server.stop)
        await _together(_start_kafka(kafka, report), _start(postgres, "postgres", report))
        yield Infrastructure(
            kafka_bootstrap=wanted.kafka or (kafka.url if kafka else ""),
            postgres_url=wanted.postgres or (postgres.url if postgres else ""),
            kafka=kafka,
            postgres=postgres,
        )


async def fetch_jars(cache: JarCache, report: Report) -> None:
    """`jars.fetch` beside the event loop; reports bytes; given up when this is cancelled."""
    loop, stopping = asyncio.get_running_loop(), threading.Event()

    def hear(fraction: float) -> None:
        loop.call_soon_threadsafe(report, Progress("jars", fraction))

    try:
        await asyncio.to_thread(fetch, cache, report=hear, stopping=stopping)
    finally:
        stopping.set()
    report(Progress("jars", 1.0))


async def _start_kafka(kafka: LocalKafka | None, report: Report) -> None:
    if kafka is not None:
        await fetch_jars(user_cache(), report)
        await _start(kafka, "kafka", report)


async def _start(server: LocalServer | None, stage: Stage, report: Report) -> None:
    if server is not None:
        report(Progress(stage, None))
        await server.start()
        report(Progress(stage, 1.0))


async def _together(*steps: Coroutine[object, object, None]) -> None:
    """Run all; on the first failure cancel the others, wait for them, and raise that failure."""
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _check_named(wanted: Wanted, patience_seconds: float) -> None:
    if wanted.kafka and not await wait_for(
        kafka_answers, wanted.kafka, timeout_seconds=patience_seconds
    ):
        raise Unreachable(variable=KAFKA_VARIABLE, address=wanted.kafka)
    if wanted.postgres:
        named = Infrastructure(kafka_bootstrap="", postgres_url=wanted.postgres)
        if not await wait_for(postgres_answers, named.admin_url, timeout_seconds=patience_seconds):
            parts = urlsplit(wanted.postgres)  # shown without the password
            address = f"{parts.hostname}:{parts.port or 5432}"
            raise Unreachable(variable=POSTGRES_VARIABLE, address=address)
