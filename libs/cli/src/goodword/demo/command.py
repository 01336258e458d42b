"""`goodword demo`: real journeys on a platform of their own, compared with what was expected."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from ..app import Panel
from ..errors import PlatformError
from ..login import OPERATOR, login_url
from ..platform import Running, running
from ..screen import Watcher, out
from ..signals import Interruption, until_interrupted
from .afresh import empty, own_names, quiet
from .playing import Played, play
from .receiver import Receiver
from .stage import environment
from .telling import numbers, show

commands = typer.Typer()
FOLDER: Final = Path(".goodword") / "demo"
EXPLAINED: Final = "A-1010"
_INTERRUPTED: Final = 130  # as shells say of Ctrl-C

State = Annotated[
    Path, typer.Option("--state", help="The demo's own folder; what is in it is deleted first.")
]
Exit = Annotated[bool, typer.Option("--exit", help="Stop everything when the journeys are over.")]
AsJson = Annotated[bool, typer.Option("--json", help="End with the numbers as one JSON line.")]


class NotAsExpected(PlatformError):
    """The journeys did not end as `expected.yaml` says."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} things are not as expected; they are listed above.")


@dataclass(slots=True)
class _Run:
    """One run of the demo: how it shall end, and what came of it."""

    state: Path
    exits: bool
    as_json: bool
    played: Played | None = None

    async def work(self, interruption: Interruption) -> None:
        """Play, tell, and stay until Ctrl-C."""
        begun = time.monotonic()
        await empty(self.state)
        with Receiver.listening() as receiver:
            async with _platform(self.state, receiver) as platform:
                interruption.on_second = platform.hasten
                self.played = await play(platform, receiver, EXPLAINED, out.print)
                seconds = time.monotonic() - begun
                show(out, self.played, EXPLAINED)
                if not self.exits:
                    self._tell_numbers(seconds)
                    await _stay(platform)
        self._tell_numbers(seconds)

    def _tell_numbers(self, seconds: float) -> None:
        if self.as_json and self.played is not None:
            out.out(json.dumps(numbers(self.played, seconds)), highlight=False)


@commands.command(rich_help_panel=Panel.RUN.value)
def demo(state: State = FOLDER, exits: Exit = False, as_json: AsJson = False) -> None:
    """Send sample people on real journeys, and show what came of each, and why."""
    run = _Run(state, exits, as_json)
    until_interrupted(run.work, say=out.print)
    if run.played is None:
        raise typer.Exit(_INTERRUPTED)
    if run.played.look.mismatches:
        raise NotAsExpected(len(run.played.look.mismatches))


@asynccontextmanager
async def _platform(state: Path, receiver: Receiver) -> AsyncIterator[Running]:
    watcher = Watcher()
    try:
        extra = environment(receiver, own_names("demo"))
        async with running(state, environment_extra=extra, on_event=quiet(watcher)) as platform:
            watcher.close()
            yield platform
    finally:
        watcher.close()


async def _stay(platform: Running) -> None:
    url = await asyncio.to_thread(login_url, platform.state, OPERATOR)
    out.print(f"Look at every journey here; the link works once: [bold]{url}[/]", soft_wrap=True)
    out.print(f"Mails are in {platform.state / 'mail'}, logs in {platform.state / 'logs'}.")
    out.print("Ctrl-C stops everything.", style="dim")
    await asyncio.Event().wait()
