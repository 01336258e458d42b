"""Which instance of its service this process is, and that no other process is the same one."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import structlog

from .waiting import backoff

if TYPE_CHECKING:
    from .runtime import AnyRuntime

log = structlog.stdlib.get_logger(__name__)

_LOCK_SPACE = 0x6F72_6469
_ORDINALS = 64
_PING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Claim:
    """An ordinal that is this process' own for as long as `lost` is not set."""

    ordinal: int
    lost: asyncio.Event


@asynccontextmanager
async def claimed(runtime: "AnyRuntime") -> AsyncIterator[Claim]:
    """Hold an ordinal: the one in the settings, or the first free one. Waits while it is taken.

    With a database it is an advisory lock of a session that does nothing else, and `lost` is set
    as soon as that session is known to be gone; without one, a locked file in the state folder.
    """
    holder = _by_database if runtime.service.migrations is not None else _by_file
    async with holder(runtime) as claim:
        log.info("instance", service=runtime.service.name, ordinal=claim.ordinal)
        yield claim


def _candidates(runtime: "AnyRuntime") -> list[int]:
    fixed = runtime.settings.ordinal
    return list(range(_ORDINALS)) if fixed is None else [fixed]


@asynccontextmanager
async def _by_database(runtime: "AnyRuntime") -> AsyncIterator[Claim]:
    connection = await runtime.database.connect()
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _connection: lost.set())
    pinging = None
    try:
        ordinal = await _lock(connection, _candidates(runtime), runtime)
        pinging = asyncio.create_task(_ping(connection, lost))
        yield Claim(ordinal, lost)
    finally:
        if pinging is not None:
            pinging.cancel()
        with suppress(Exception):
            await connection.close(timeout=1)


async def _lock(
    connection: asyncpg.Connection, candidates: list[int], runtime: "AnyRuntime"
) -> int:
    for pause in backoff(runtime.settings):
        for ordinal in candidates:
            if await connection.fetchval(
                "SELECT pg_try_advisory_lock($1, $2)", _LOCK_SPACE, ordinal
            ):
                return ordinal
        log.warning("another process is this instance", ordinals=candidates[:1])
        await asyncio.sleep(pause)
    raise AssertionError


async def _ping(connection: asyncpg.Connection, lost: asyncio.Event) -> None:
    """Notice a session that died without a word."""
    try:
        while True:
            await asyncio.sleep(_PING_SECONDS)
            await connection.fetchval("SELECT 1", timeout=_PING_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        lost.set()


@asynccontextmanager
async def _by_file(runtime: "AnyRuntime") -> AsyncIterator[Claim]:
    folder = runtime.settings.state_folder
    folder.mkdir(parents=True, exist_ok=True)
    for pause in backoff(runtime.settings):
        for ordinal in _candidates(runtime):
            file = _lock_file(folder / f"{runtime.service.name}-{ordinal}.lock")
            if file is not None:
                try:
                    yield Claim(ordinal, asyncio.Event())
                finally:
                    os.close(file)
                return
        await asyncio.sleep(pause)


def _lock_file(path: Path) -> int | None:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
