"""A run that begins with nothing: an empty folder, and names of its own on servers of others."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import token_hex

from local_stack import erase
from local_stack.providing import KAFKA_VARIABLE, POSTGRES_VARIABLE

from ..commands.platform import check_ours
from ..platform import Ended, PlatformEvent, Ready, StackProgress
from ..platform.catalogue import PREFIX_SETTING
from ..screen import Watcher


async def empty(state: Path) -> None:
    """Delete what an earlier run left. Raises NotOurs for a folder of something else."""
    if await asyncio.to_thread(state.exists):
        await asyncio.to_thread(check_ours, state)
        await erase(state)


def own_names(purpose: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The setting that keeps this run apart on servers that the environment names.

    Topics and databases of an earlier run may still be there; a stack of our own is empty.
    """
    given = environment.get(PREFIX_SETTING, "")
    if KAFKA_VARIABLE in environment or POSTGRES_VARIABLE in environment:
        return {PREFIX_SETTING: f"{given}{purpose}-{token_hex(4)}-"}
    return {PREFIX_SETTING: given} if given else {}


def quiet(watcher: Watcher) -> Callable[[PlatformEvent], None]:
    """Shows how the platform comes up, and what ends; the services' logs are in the folder."""

    def hear(event: PlatformEvent) -> None:
        if isinstance(event, StackProgress | Ready | Ended):
            watcher(event)

    return hear
