"""Servers that a killed run left behind: found by pid and start time, and stopped."""

import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .kafka import LocalKafka
from .postgres import LocalPostgres
from .postgres_account import relocated_home
from .processes import Identity, end
from .state import Record, StateFolder

SERVERS = {server.name: server for server in (LocalKafka, LocalPostgres)}
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Leftover:
    """A server that runs although its run is gone."""

    server: str
    process: Identity
    ports: tuple[int, ...]


def leftovers(state: Path) -> list[Leftover]:
    """What still runs from this folder; nothing while a living run holds it."""
    folder = StateFolder.at(state)
    return [] if folder.is_held() else _recorded(folder)


async def stop_leftovers(state: Path) -> list[Leftover]:
    """Stop them cleanly, and say which. Raises `AlreadyRunning` when a living run holds them."""
    folder = StateFolder.at(state)
    if not folder.path.exists():
        return []
    with folder.held():
        return await stop_recorded(folder)


async def stop_recorded(folder: StateFolder) -> list[Leftover]:
    """The same for who holds the folder."""
    found = _recorded(folder)
    for leftover in found:
        await end(
            leftover.process,
            signals=_signals(leftover.server),
            patience_seconds=PATIENCE_SECONDS,
        )
        folder.record(leftover.server, Record(leftover.ports, None))
    return found


async def erase(state: Path) -> None:
    """Stop what is left and delete the folder with all its data. Raises `AlreadyRunning`."""
    folder = StateFolder.at(state)
    if not folder.path.exists():
        return
    with folder.held():
        await stop_recorded(folder)
        data = folder.data(LocalPostgres.name) / "data"
        for path in (relocated_home(data), folder.path):
            shutil.rmtree(path, ignore_errors=True)


def _recorded(folder: StateFolder) -> list[Leftover]:
    return [
        Leftover(server=name, process=record.process, ports=record.ports)
        for name, record in folder.records().items()
        if record.process is not None and record.process.find() is not None
    ]


def _signals(server: str) -> Sequence[signal.Signals]:
    known = SERVERS.get(server)
    return known.stop_signals if known else (signal.SIGTERM, signal.SIGKILL)
