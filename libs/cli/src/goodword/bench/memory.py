"""Memory of processes with their part of shared pages (PSS), looked at once a second."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import psutil

from ..platform import Running
from ..platform.observing import memory_bytes

_LOOK_SECONDS = 5.0  # reading page tables costs the measured processes, too


@dataclass(slots=True)
class Peaks:
    """The most that each process, and all together, ever had; in bytes."""

    each: dict[str, int] = field(default_factory=dict)
    together: int = 0

    def note(self, sizes: Mapping[str, int]) -> None:
        """One look."""
        for name, size in sizes.items():
            self.each[name] = max(size, self.each.get(name, 0))
        self.together = max(self.together, sum(sizes.values()))


@asynccontextmanager
async def peaks_of(platform: Running) -> AsyncIterator[Peaks]:
    """Watch every service, Kafka and PostgreSQL (with its children) while the block lasts."""
    peaks = Peaks()
    task = asyncio.create_task(_watch(platform, peaks))
    try:
        yield peaks
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _watch(platform: Running, peaks: Peaks) -> None:
    while True:
        peaks.note(await asyncio.to_thread(_sizes, platform))
        await asyncio.sleep(_LOOK_SECONDS)


def _sizes(platform: Running) -> dict[str, int]:
    owned = platform.infrastructure
    pids = {each.name: each.pid for several in platform.services.values() for each in several}
    pids |= {server.name: server.pid for server in (owned.kafka, owned.postgres) if server}
    return {name: _with_children(pid) for name, pid in pids.items() if pid is not None}


def _with_children(pid: int) -> int:
    total = 0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            total += memory_bytes(each) or 0
    return total
