"""`run.json`: who supervises, what runs where. One supervisor at a time holds the folder."""

import fcntl
import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from local_stack.errors import AlreadyRunning
from local_stack.processes import Identity, end

from ..errors import NotRunning
from .install import write_private

RUN_FILE = "run.json"
LOCK_FILE = "run.lock"
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One instance as another process sees it; `process` is None between two starts."""

    service: str
    ordinal: int
    url: str
    process: Identity | None = None

    @property
    def name(self) -> str:
        """Such as `rewards-0`."""
        return f"{self.service}-{self.ordinal}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What runs from a state folder. Ports outlive the run, so that URLs stay the same."""

    supervisor: Identity | None = None
    kafka: str = ""
    postgres: str = ""
    topic_prefix: str = ""
    mail_url: str = ""
    instances: tuple[Recorded, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_alive(self) -> bool:
        """Whether its supervisor still runs."""
        return self.supervisor is not None and self.supervisor.find() is not None


def this_process() -> Identity:
    """The identity of the process that asks."""
    return identity_of(os.getpid())


def identity_of(pid: int) -> Identity:
    """A living process's identity. Raises psutil.NoSuchProcess."""
    return Identity(pid, psutil.Process(pid).create_time())


def read_run(state: Path) -> Run:
    """What was recorded; an unreadable record counts as none."""
    try:
        stored = json.loads((state / RUN_FILE).read_text(encoding="utf-8"))
        places = tuple(_recorded(fields) for fields in stored.pop("instances"))
        ports = {str(name): int(port) for name, port in stored.pop("ports").items()}
        supervisor = _identity(stored.pop("supervisor"))
        return Run(supervisor=supervisor, instances=places, ports=ports, **stored)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Run()


def read_living_run(state: Path) -> Run:
    """What runs now. Raises NotRunning."""
    run = read_run(state)
    if not run.is_alive:
        raise NotRunning(state)
    return run


def write_run(state: Path, run: Run) -> None:
    """Record what runs, atomically; URLs may hold a password, so it is private."""
    write_private(state / RUN_FILE, asdict(run))


@contextmanager
def held(state: Path) -> Iterator[None]:
    """Be the folder's one supervisor. Raises AlreadyRunning."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state / LOCK_FILE).open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            supervisor = read_run(state).supervisor
            pid = supervisor.pid if supervisor else None
            raise AlreadyRunning(state=state, pid=pid) from None
        yield


def leftovers(state: Path) -> list[Recorded]:
    """Services that still run although their supervisor is gone."""
    run = read_run(state)
    if run.is_alive:
        return []
    return [place for place in run.instances if place.process and place.process.find()]


async def end_leftovers(state: Path) -> list[Recorded]:
    """Stop them, and say which. Only for who holds the folder."""
    found = leftovers(state)
    for place in found:
        if place.process is not None:
            with suppress(psutil.NoSuchProcess):
                await end(
                    place.process,
                    signals=(signal.SIGTERM, signal.SIGKILL),
                    patience_seconds=_PATIENCE_SECONDS,
                )
    return found


def _recorded(fields: dict[str, object]) -> Recorded:
    return Recorded(
        service=str(fields["service"]),
        ordinal=int(str(fields["ordinal"])),
        url=str(fields["url"]),
        process=_identity(fields["process"]),
    )


def _identity(fields: object) -> Identity | None:
    if not isinstance(fields, dict):
        return None
    return Identity(int(fields["pid"]), float(fields["started_at"]))
