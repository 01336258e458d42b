"""What runs beside the routes: the tables' completeness, their snapshot, the last writes."""

import asyncio
from pathlib import Path

import structlog
from prometheus_client import Counter
from service_kit.waiting import first_of

from .store.drain import drain
from .store.journal import Journal, Publisher
from .store.registry import Registry
from .store.snapshot import SnapshotUnreadable, load, save

log = structlog.stdlib.get_logger(__name__)

SNAPSHOT_NAME = "tracking-tables.ndjson"
_TRY_AGAIN_SECONDS = 5.0
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


async def watch_tables(registry: Registry, at_end: asyncio.Event, stop: asyncio.Event) -> None:
    """Note when the tables are read to the end that they had at this start; that stays true."""
    await first_of(at_end, stop)
    registry.complete = at_end.is_set()
    await stop.wait()


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


async def keep_spool(
    journal: Journal, publisher: Publisher, folder: Path, stop: asyncio.Event
) -> None:
    """Open the spool, send what is in it until told to stop. A folder that cannot be used leaves
    Kafka alone to make events durable, and is tried again."""
    while not stop.is_set() and not journal.spool.is_open:
        try:
            await journal.spool.open(folder)
        except OSError as error:
            log.error("the spool is not to be had", error=error.strerror)
            journal.begin()
            await first_of(stop, seconds=_TRY_AGAIN_SECONDS)
    journal.begin()
    await journal.spool.recover()
    await drain(journal, publisher, stop)


async def _write(registry: Registry, path: Path) -> None:
    registry.changed.clear()
    try:
        await asyncio.to_thread(save, path, registry)
    except OSError as error:
        registry.changed.set()  # tried again after a pause
        log.error("snapshot of the tables was not written", error=error.strerror)
