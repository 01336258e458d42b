"""Processes of a measurement: load generators that tell, and baselines that run until ended."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from ..errors import PlatformError
from .orders import Order, Told

_ANSWER_SECONDS = 20.0
_AGAIN_SECONDS = 0.05
_END_SECONDS = 5.0


class LoadFailed(PlatformError):
    """A process of the measurement ended badly."""

    def __init__(self, what: str, told: str) -> None:
        super().__init__(f"{what} failed:\n{told[-2_000:]}")


async def loaded(order: Order) -> Told:
    """Run a load generator to its end. Raises LoadFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "goodword.bench.load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(order.model_dump_json().encode())
    if process.returncode:
        raise LoadFailed("the load generator", err.decode(errors="replace"))
    return Told.model_validate_json(out)


@asynccontextmanager
async def baseline(
    root: Path, module: str, arguments: Sequence[str]
) -> "AsyncIterator[asyncio.subprocess.Process]":
    """`python -m benchmarks.<module>` for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"benchmarks.{module}",
        *arguments,
        cwd=root,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _END_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()


async def answers(url: str) -> None:
    """Wait until something listens there. Raises LoadFailed."""
    async with asyncio.timeout(_ANSWER_SECONDS), httpx.AsyncClient() as client:
        while True:
            try:
                await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return
