"""What runs beside the routes: the tables' completeness, their snapshot, the last writes."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import structlog
from prometheus_client import Counter
from service_kit.waiting import first_of

from .settings import TrackingSettings
from .store.journal import Journal
from .store.registry import Registry
from .store.snapshot import SnapshotUnreadable, load, save

log = structlog.stdlib.get_logger(__name__)

SNAPSHOT_NAME = "tracking-tables.ndjson"
_LOOK_SECONDS = 0.05
_STATUS_SECONDS = 2.0
_ANY_HOST = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
snapshots_unreadable = Counter(
    "goodword_snapshots_unreadable", "Snapshots of the tables that could not be used at a start"
)


def recall(registry: Registry, path: Path) -> None:
    """Begin with the tables of the last run; without a usable snapshot, with none."""
    try:
        entries = registry.learn(load(path))
    except SnapshotUnreadable as error:
        snapshots_unreadable.inc()
        log.error("snapshot of the tables is unreadable", reason=str(error))
        return
    registry.changed.clear()
    log.info("tables recalled", entries=entries)


async def watch_tables(
    registry: Registry, at_end: Callable[[], Awaitable[bool]], stop: asyncio.Event
) -> None:
    """Note when the tables are read to the end that they had at this start; that stays true."""
    while not registry.complete and not stop.is_set():
        registry.complete = await at_end()
        await first_of(stop, seconds=_LOOK_SECONDS)
    await stop.wait()


async def tables_at_end(settings: TrackingSettings) -> bool:
    """Whether the kit's reader is at the end, as this process' own status page says."""
    host = "127.0.0.1" if settings.host in _ANY_HOST else settings.host
    token = settings.operator_token.get_secret_value()
    async with httpx.AsyncClient(timeout=_STATUS_SECONDS, trust_env=False) as client:
        try:
            answer = await client.get(
                f"http://{host}:{settings.port}/internal/status",
                headers={"authorization": f"Bearer {token}"},
            )
        except httpx.TransportError:  # not listening yet
            return False
    return answer.status_code == httpx.codes.OK and bool(answer.json()["tables_at_end"])


async def keep_snapshot(
    registry: Registry, path: Path, pause_seconds: float, stop: asyncio.Event
) -> None:
    """Write the tables to disk soon after each change, and once more at the end."""
    while not stop.is_set():
        await first_of(stop, registry.changed)
        await first_of(stop, seconds=pause_seconds)
        if registry.changed.is_set():
            await _write(registry, path)
    if registry.changed.is_set():
        await _write(registry, path)


async def finish_writes(journal: Journal, within_seconds: float, stop: asyncio.Event) -> None:
    """At the end, wait for what Kafka has not acknowledged yet."""
    await stop.wait()
    await journal.close(within_seconds=within_seconds)


async def _write(registry: Registry, path: Path) -> None:
    registry.changed.clear()
    try:
        await asyncio.to_thread(save, path, registry)
    except OSError as error:
        registry.changed.set()  # tried again after a pause
        log.error("snapshot of the tables was not written", error=error.strerror)
