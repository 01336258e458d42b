"""What Kafka and PostgreSQL have in common as local processes: start, stop, kill, freeze."""

import asyncio
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from .errors import PortTaken, StartFailed
from .ports import free_port, is_free
from .processes import Account, Child, end, freeze, spawn, thaw, until
from .state import Record, StateFolder

TAIL_BYTES = 2_000
RETRY_SECONDS = 0.3
RELEASE_SECONDS = 5.0  # within which the port of a killed server must be free again


class LocalServer(ABC):
    """One server process with its data, log and ports in a state folder. It watches nothing:
    who wants it back after a crash calls `restart`."""

    name: ClassVar[str]
    port_count: ClassVar[int] = 1
    start_seconds: ClassVar[float] = 90.0
    stop_seconds: ClassVar[float] = 20.0
    stop_signals: ClassVar[Sequence[signal.Signals]] = (signal.SIGTERM, signal.SIGKILL)

    def __init__(self, state: Path, *, port: int | None = None) -> None:
        self._state = StateFolder.at(state)
        self._wanted_port = port
        self._ports: tuple[int, ...] = ()
        self._child: Child | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect; the same after a restart."""

    @property
    def port(self) -> int:
        """The port that clients connect to, once started."""
        if not self._ports:
            raise RuntimeError(f"{self.name} was not started yet")
        return self._ports[0]

    @property
    def pid(self) -> int | None:
        """The process, or None while it does not run."""
        return self._child.identity.pid if self._child and self._child.alive else None

    @property
    def alive(self) -> bool:
        """Whether the process runs (frozen counts as running)."""
        return self.pid is not None

    @property
    def log(self) -> Path:
        """The server's own log file."""
        return self._state.log(self.name)

    async def start(self) -> None:
        """Start and wait until the server answers.

        Ports are those of the last run, or new ones if another program took them meanwhile.
        Raises `PortTaken` (only for a port given to the constructor), `DiskFull`,
        `MissingBinary`, `StartFailed`.
        """
        if self.alive:
            return
        await asyncio.to_thread(self._state.prepare)
        self._ports = self._choose_ports()
        await self._prepare_once()
        await self._launch()

    async def stop(self) -> None:
        """Stop cleanly; kills when that takes longer than `stop_seconds`."""
        if self._child is not None:
            await end(self._child, signals=self.stop_signals, patience_seconds=self.stop_seconds)
            await self._reap()

    async def kill(self) -> None:
        """SIGKILL, as a crash would; returns when the process is gone."""
        if self._child is not None:
            self._child.signal(signal.SIGKILL)
            await self._reap()

    async def restart(self) -> None:
        """Start again (stopping first if it runs) on the same ports and data.

        Raises `PortTaken` when another program took a port meanwhile, and `StartFailed`.
        """
        if not self._ports:
            return await self.start()
        await self.stop()
        for port in self._ports:
            if not await until(partial(is_free, port), timeout_seconds=RELEASE_SECONDS):
                raise PortTaken(server=self.name, port=port)
        return await self._launch()

    def freeze(self) -> None:
        """Stop the process and its children where they are (SIGSTOP): alive, answering nothing."""
        if self._child is not None:
            freeze(self._child)

    def thaw(self) -> None:
        """Let a frozen server go on (SIGCONT)."""
        if self._child is not None:
            thaw(self._child)

    @abstractmethod
    def _data(self) -> Path:
        """The folder that `_format` fills."""

    @abstractmethod
    async def _format(self) -> None:
        """Make an empty data folder into a fresh server's."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """The command line of the server."""

    @abstractmethod
    async def _answers(self) -> bool:
        """Whether a real client is served."""

    def _account(self) -> Account | None:
        return None

    def _try_again(self, _tail: str) -> bool:
        """Whether a start that failed with this log may succeed in a moment."""
        return False

    def _choose_ports(self) -> tuple[int, ...]:
        recorded = self._state.records().get(self.name, Record()).ports
        wanted = self._wanted_port
        if wanted is not None and not is_free(wanted):
            raise PortTaken(server=self.name, port=wanted)
        kept = len(recorded) == self.port_count and wanted in (None, recorded[0])
        if kept and all(is_free(port) for port in recorded):
            return recorded
        ports = [wanted] if wanted is not None else []
        while len(ports) < self.port_count:
            ports.append(free_port(besides=frozenset(ports)))
        return tuple(ports)

    async def _prepare_once(self) -> None:
        """Format the data folder, again from the beginning if the last attempt broke off."""
        data = await asyncio.to_thread(self._data)
        done = self._state.data(self.name) / "formatted"
        if done.exists() and data.exists():
            return
        await asyncio.to_thread(shutil.rmtree, data, ignore_errors=True)
        self._state.data(self.name).mkdir(parents=True, exist_ok=True)
        await self._format()
        done.touch()

    async def _launch(self) -> None:
        deadline = time.monotonic() + self.start_seconds
        while True:
            offset = self.log.stat().st_size if self.log.exists() else 0
            command = await asyncio.to_thread(self._command)
            self._child = spawn(command, log=self.log, account=self._account())
            self._state.record(self.name, Record(self._ports, self._child.identity))
            try:
                await self._wait_ready(self._child, deadline)
                return
            except StartFailed:
                if not self._try_again(self._tail(offset)) or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
            except BaseException:
                await self.kill()
                raise

    async def _wait_ready(self, child: Child, deadline: float) -> None:
        while not await self._answers():
            if not child.alive:
                raise self._failed(f"it ended with exit code {child.popen.returncode}")
            if time.monotonic() > deadline:
                await self.kill()
                raise self._failed(f"it does not answer after {self.start_seconds:.0f} s")
            await asyncio.sleep(0.05)

    async def run_tool(self, command: Sequence[str | Path], *, timeout_seconds: float) -> None:
        """Run one of the server's own tools to its end. Raises `StartFailed`."""
        child = spawn(command, log=self.log, account=self._account())
        try:
            if not await until(lambda: not child.alive, timeout_seconds=timeout_seconds):
                raise self._failed(f"{Path(command[0]).name} takes too long")
        finally:
            if child.alive:
                child.signal(signal.SIGKILL)
        if child.popen.returncode != 0:
            raise self._failed(f"preparing its data ended with {child.popen.returncode}")

    async def _reap(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await until(lambda: not child.alive, timeout_seconds=self.stop_seconds)
        self._state.record(self.name, Record(self._ports, None))

    def _failed(self, reason: str) -> StartFailed:
        return StartFailed(server=self.name, reason=reason, log=self.log, tail=self._tail(0))

    def _tail(self, offset: int) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(offset, self.log.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace")
