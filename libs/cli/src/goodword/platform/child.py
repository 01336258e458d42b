"""One child process: it ends with its parent, and its output is read line by line."""

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_READ_BYTES = 65_536
_LINE_MAX_BYTES = 1 << 20  # a longer line is cut in pieces


async def spawn(command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> Process:
    """Start a process in a session of its own, so that Ctrl-C reaches the supervisor alone.

    On Linux the kernel kills it when the supervisor is gone, however that ended.
    """
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
        preexec_fn=partial(_die_with_parent, os.getpid()),
    )


async def lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """What a process writes, by line, without the line's end."""
    rest = b""
    while chunk := await stream.read(_READ_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
        if len(rest) > _LINE_MAX_BYTES:
            yield rest
            rest = b""
    if rest:
        yield rest


def send(process: Process | None, number: signal.Signals) -> None:
    """Send a signal; no effect once the process has ended."""
    if process is not None and process.returncode is None:
        try:
            process.send_signal(number)
        except ProcessLookupError:
            return


def _prctl() -> Callable[[int, int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    function: Callable[[int, int], int] = ctypes.CDLL(None, use_errno=True).prctl
    return function


# Loaded before any fork: between fork and exec a child should do as little as possible.
_PRCTL = _prctl()


def _die_with_parent(parent: int) -> None:
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before the kernel was told
            os._exit(1)
