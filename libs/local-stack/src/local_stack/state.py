"""One folder per stack: data, logs, ports and pids; one run at a time holds it."""

import fcntl
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from .errors import AlreadyRunning, DiskFull
from .processes import Identity

NEEDED_BYTES = 512 << 20  # two empty servers take 40 MiB; the rest is room for a first run

LOCK_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Record:
    """What `stack.json` keeps of one server."""

    ports: tuple[int, ...] = ()
    process: Identity | None = None


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Paths below one state folder, and the record of what runs from it."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> "StateFolder":
        """The folder at a path, wherever the process goes afterwards."""
        return cls(path.absolute())

    @property
    def record_file(self) -> Path:
        """Ports, pids and start times, as JSON."""
        return self.path / "stack.json"

    def data(self, server: str) -> Path:
        """The folder of one server."""
        return self.path / server

    def log(self, server: str) -> Path:
        """The log of one server."""
        return self.path / "logs" / f"{server}.log"

    def prepare(self) -> None:
        """Create the folder. Raises `DiskFull` when less than `NEEDED_BYTES` are free."""
        (self.path / "logs").mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.path).free
        if free < NEEDED_BYTES:
            raise DiskFull(folder=self.path, free_bytes=free, needed_bytes=NEEDED_BYTES)

    def records(self) -> dict[str, Record]:
        """What was recorded, by server; an unreadable file counts as none."""
        try:
            stored = json.loads(self.record_file.read_text(encoding="utf-8"))
            return {name: _record(fields) for name, fields in stored.items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def record(self, server: str, record: Record) -> None:
        """Replace one server's record, atomically."""
        records = self.records() | {server: record}
        text = json.dumps({name: asdict(value) for name, value in records.items()}, indent=1)
        written = self.record_file.with_suffix(".new")
        written.write_text(text + "\n", encoding="utf-8")
        written.replace(self.record_file)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for this run. Raises `AlreadyRunning` when a living run holds it."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a+", encoding="utf-8") as lock:
            if not _locked(lock):
                raise AlreadyRunning(state=self.path, pid=_holder(self.path / "lock"))
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def is_held(self) -> bool:
        """Whether a living run holds the folder now."""
        lock = self.path / "lock"
        if not lock.exists():
            return False
        with lock.open("a", encoding="utf-8") as file:
            return not _locked(file)


@contextmanager
def exclusively(lock: Path, *, stopping: threading.Event) -> Iterator[None]:
    """Wait, in a thread, for a lock file that others wait for too; it goes with the process.

    Raises `InterruptedError` once `stopping` is set.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a", encoding="utf-8") as file:
        while not _locked(file):
            if stopping.wait(LOCK_POLL_SECONDS):
                raise InterruptedError("the wait for another run was given up")
        yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(lock.read_text(encoding="utf-8"))
    return None


def _record(fields: dict[str, object]) -> Record:
    ports, process = fields["ports"], fields["process"]
    if not isinstance(ports, list) or not isinstance(process, dict | None):
        raise TypeError("not a record")
    identity = process and Identity(int(process["pid"]), float(process["started_at"]))
    return Record(ports=tuple(int(port) for port in ports), process=identity or None)
