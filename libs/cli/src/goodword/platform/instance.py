"""One supervised instance: its process is started again, after a pause, until it is to stop."""

import asyncio
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from local_stack.processes import Identity

from .child import lines, send, spawn
from .events import Ended, OnEvent, Starting, Wrote
from .log_lines import tail
from .record import identity_of

TRIES = 3  # of a first start
HEALTHY_SECONDS = 20.0
_FIRST_PAUSE_SECONDS = 0.2
_MOST_PAUSE_SECONDS = 5.0
_TAIL_BYTES = 12_000


def pause_seconds(failures: int) -> float:
    """How long to wait before the start that follows so many failures in a row."""
    return min(_FIRST_PAUSE_SECONDS * 2.0 ** max(0, failures - 1), _MOST_PAUSE_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What an instance runs, and where."""

    service: str
    ordinal: int
    port: int
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path

    @property
    def name(self) -> str:
        """Such as `rewards-0`."""
        return f"{self.service}-{self.ordinal}"


class Instance:
    """A program kept running. `changed` is called whenever its process is another."""

    def __init__(self, program: Program, *, on_event: OnEvent, changed: Callable[[], None]) -> None:
        self.program = program
        self.url = f"http://127.0.0.1:{program.port}"
        self.process: Identity | None = None
        self.was_ready = False
        self.gave_up: str | None = None
        self._say = on_event
        self._changed = changed
        self._child: Process | None = None
        self._gone = asyncio.Event()
        self._gone.set()
        self._begun = asyncio.Event()
        self._stopping = asyncio.Event()
        self._at_once = False
        self._once: Mapping[str, str] = {}
        self._log_offset = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Such as `rewards-0`."""
        return self.program.name

    @property
    def service(self) -> str:
        """The service that it is an instance of."""
        return self.program.service

    @property
    def pid(self) -> int | None:
        """Its process, None between two starts."""
        return self.process.pid if self.process else None

    def start(self) -> None:
        """Begin to keep it running."""
        self.program.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.program.log.parent.mkdir(parents=True, exist_ok=True)
        self._task = asyncio.create_task(self._keep_running(), name=f"keep {self.name}")

    async def stop(self, patience_seconds: float) -> None:
        """End it for good: SIGTERM, and SIGKILL once patience is over."""
        self._stopping.set()
        send(self._child, signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), patience_seconds)
        self.hasten()
        if self._task is not None:
            await self._task

    def hasten(self) -> None:
        """SIGKILL, without waiting."""
        send(self._child, signal.SIGKILL)

    async def kill(self) -> None:
        """SIGKILL, as a crash would; returns when the process is gone. It will be started again."""
        self.hasten()
        await self._gone.wait()

    async def end_and_start(
        self, patience_seconds: float, once: Mapping[str, str] | None = None
    ) -> None:
        """A clean end and a new start at once; returns when the new process is there.

        That process alone is given `once` beside its environment, those after it are not.
        """
        self._at_once, self._once = True, once or {}
        send(self._child, signal.SIGTERM)
        try:
            await asyncio.wait_for(self._gone.wait(), patience_seconds)
        except TimeoutError:
            await self.kill()
        await self._begun.wait()

    def tail(self) -> str:
        """The end of what the last process wrote, in short."""
        try:
            with self.program.log.open("rb") as log:
                size = log.seek(0, 2)
                log.seek(max(self._log_offset, size - _TAIL_BYTES))
                return tail(log.read().decode(errors="replace"))
        except OSError:
            return ""

    async def _keep_running(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            exit_code = await self._run_once()
            if self._stopping.is_set():
                return
            healthy = self.was_ready and time.monotonic() - began >= HEALTHY_SECONDS
            failures = 1 if healthy else failures + 1
            if not self.was_ready and failures >= TRIES:
                self.gave_up = f"it ended with exit code {exit_code}"
                return
            await self._pause(exit_code, failures)

    async def _pause(self, exit_code: int, failures: int) -> None:
        seconds = 0.0 if self._at_once else pause_seconds(failures)
        self._at_once = False
        self._say(Ended(self.name, exit_code, seconds))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _run_once(self) -> int:
        once, self._once = self._once, {}
        child = await spawn(
            self.program.command,
            environment={**self.program.environment, **once},
            folder=self.program.folder,
        )
        self._note(child)
        try:
            await self._copy_output(child)
            return await child.wait()
        except BaseException:
            send(child, signal.SIGKILL)
            raise
        finally:
            self._child = self.process = None
            self._begun.clear()
            self._gone.set()
            self._changed()

    def _note(self, child: Process) -> None:
        self._child = child
        self._gone.clear()
        with suppress(psutil.NoSuchProcess):
            self.process = identity_of(child.pid)
        self._begun.set()
        self._changed()
        self._say(Starting(self.name, child.pid))
        if self._stopping.is_set():
            send(child, signal.SIGTERM)

    async def _copy_output(self, child: Process) -> None:
        if child.stdout is None:
            raise RuntimeError("the output of a child is always piped")
        with self.program.log.open("ab", buffering=0) as log:
            self._log_offset = log.seek(0, 2)
            async for line in lines(child.stdout):
                with suppress(OSError):  # a full disk stops the log, not the service
                    log.write(line + b"\n")
                self._say(Wrote(self.name, line.decode(errors="replace")))


def fresh_log(path: Path) -> Path:
    """The log of a new run; that of the last run stays beside it as `.1`."""
    if path.exists():
        path.replace(path.with_name(f"{path.name}.1"))
    return path
