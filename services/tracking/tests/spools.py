"""Spools and what they hold, for tests."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import REGISTRY
from service_kit.producer import Record
from tracking.store.journal import Journal
from tracking.store.spool import Spool

PLENTY_BYTES = 1 << 30
LONG_SECONDS = 5.0


def record(name: str, key: str = "key", size: int = 0) -> Record:
    """A record that is known again by its body."""
    headers = [("ce_id", name.encode()), ("ce_source", b"test")]
    return Record("tracking.touches", key.encode(), headers, name.encode() + b"." * size)


def records(count: int, size: int = 0) -> list[Record]:
    """Records named by their numbers."""
    return [record(str(number), size=size) for number in range(count)]


@asynccontextmanager
async def spool_in(
    folder: Path, max_bytes: int = PLENTY_BYTES, write_seconds: float = LONG_SECONDS
) -> AsyncIterator[Spool]:
    """An open spool that knows what lies in its folder."""
    spool = Spool(max_bytes=max_bytes, write_seconds=write_seconds)
    await spool.open(folder)
    await spool.recover()
    try:
        yield spool
    finally:
        await spool.close()


@asynccontextmanager
async def hanging(spool: Spool, folder: Path) -> AsyncIterator[None]:
    """The spool's thread stands still, as before a lost disk: it opens a pipe that nobody writes.
    At the end it goes on."""
    pipe, writer = folder / "pipe", spool._writer
    assert writer is not None
    os.mkfifo(pipe)
    opening = asyncio.create_task(writer.run(os.open, pipe, os.O_RDONLY))
    await asyncio.sleep(0)
    yield
    os.close(os.open(pipe, os.O_WRONLY))
    await opening
    pipe.unlink()


async def emptied(spool: Spool) -> list[Record]:
    """Everything in it, as if it had been sent."""
    found: list[Record] = []
    while (chunk := await spool.head()) is not None:
        found += chunk.records
        await spool.forget(chunk)
    return found


async def drained(journal: Journal) -> None:
    """Until what is being sent from the spool is sent."""
    async with asyncio.timeout(20):
        while journal.spool.holds:  # noqa: ASYNC110 - it is another task's work
            await asyncio.sleep(0.01)


def count(name: str, **labels: str) -> float:
    """A counter's value."""
    return REGISTRY.get_sample_value(f"goodword_{name}_total", labels) or 0
