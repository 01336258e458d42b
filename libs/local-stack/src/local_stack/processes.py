"""Processes known by pid and start time, so that a reused pid is never taken for ours."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

POLL_SECONDS = 0.02
SAME_START_SECONDS = (
    2.0  # start times move with the clock's corrections; pids come not back so soon
)


class Findable(Protocol):
    """What names a process that may have ended."""

    def find(self) -> psutil.Process | None:
        """The living process, or None."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process: its pid, and when it started (seconds since the epoch)."""

    pid: int
    started_at: float

    def find(self) -> psutil.Process | None:
        """The living process, or None when it ended or its pid belongs to another."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < SAME_START_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account that a child runs as."""

    uid: int
    gid: int


@dataclass(slots=True)
class Child:
    """A process that this one started; keeps its exit code."""

    identity: Identity
    popen: subprocess.Popen[bytes]

    @property
    def alive(self) -> bool:
        """Whether it runs still (this reaps it once it has ended)."""
        return self.popen.poll() is None

    def find(self) -> psutil.Process | None:
        """The living process; until it is reaped its pid cannot be another's."""
        return psutil.Process(self.identity.pid) if self.alive else None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; no effect once it has ended."""
        self.popen.send_signal(number)


def spawn(command: Sequence[str | Path], *, log: Path, account: Account | None = None) -> Child:
    """Start a process in a session of its own (Ctrl-C does not reach it), its output in `log`."""
    with log.open("ab") as output:
        popen = subprocess.Popen(  # noqa: S603 - our own programs, no shell
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    return Child(Identity(popen.pid, psutil.Process(popen.pid).create_time()), popen)


async def until(condition: Callable[[], bool], *, timeout_seconds: float) -> bool:
    """Wait for a condition; False when the time ran out first."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


async def end(
    target: Findable, *, signals: Sequence[signal.Signals], patience_seconds: float
) -> None:
    """Send each signal in turn until the process has ended; thaws it first if it is frozen."""
    for number in signals:
        for process in family(target):
            _send(process, signal.SIGCONT)
        leader = target.find()
        if leader is None:
            return
        _send(leader, number)
        if await until(lambda: target.find() is None, timeout_seconds=patience_seconds):
            return
    raise TimeoutError(f"process {target} does not end")


def freeze(target: Findable) -> None:
    """Stop a process and its children where they are (SIGSTOP), the parent first."""
    for process in family(target):
        _send(process, signal.SIGSTOP)


def thaw(target: Findable) -> None:
    """Let a frozen process and its children go on."""
    for process in reversed(list(family(target))):
        _send(process, signal.SIGCONT)


def family(target: Findable) -> Iterator[psutil.Process]:
    """The process, then all its descendants as they are once it was yielded."""
    leader = target.find()
    if leader is None:
        return
    yield leader
    try:
        yield from leader.children(recursive=True)
    except psutil.NoSuchProcess:
        return


def running_as_root() -> bool:
    """Whether this process is root, as in most containers."""
    return os.geteuid() == 0


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
