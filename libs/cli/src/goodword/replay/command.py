"""`goodword replay mta`: a public marketing table as real traffic, checked against an oracle."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from shared_schemas.money import Money
from shared_schemas.words import AttributionModel

from ..app import Panel
from ..commands.organisation import applied
from ..demo.afresh import empty, own_names, quiet
from ..demo.tape import Tape
from ..errors import PlatformError
from ..platform import Running, running
from ..platform.catalogue import ALL
from ..screen import Watcher, err, out, table
from ..services import with_operator_token
from ..signals import Interruption, until_interrupted
from .checking import TOPICS, Found, found, mismatches
from .driving import drive
from .oracle import Credited, expected
from .organisation import KEY, hold_seconds, organisation
from .paths import CURRENCY, Route, channels_of, read_paths, sample

commands = typer.Typer()
group = typer.Typer(help="Send a public table through the front door.", no_args_is_help=True)
commands.add_typer(group, name="replay", rich_help_panel=Panel.RUN.value)
FOLDER: Final = Path(".goodword") / "replay"
LEFT_OUT: Final = ("notifications", "partners", "hub")  # nobody is told, nobody looks
_INTERRUPTED: Final = 130  # as shells say of Ctrl-C
_SETUP_SECONDS = 90.0
_SETTLE_SECONDS = 120.0
_CONVERSIONS_A_SECOND = 50  # the least that a busy machine should settle

Model = Annotated[AttributionModel, typer.Option(help="Who is credited.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only so many paths, always the same.")]
State = Annotated[
    Path, typer.Option("--state", help="The replay's own folder; what is in it is deleted first.")
]
AsJson = Annotated[bool, typer.Option("--json", help="End with the numbers as one JSON line.")]


class NotAsTheOracleSays(PlatformError):
    """Something was credited or paid otherwise than the table demands."""

    def __init__(self, told: Sequence[str]) -> None:
        super().__init__("\n".join(("The oracle says otherwise:", *(f"  {one}" for one in told))))


@dataclass(slots=True)
class _Replay:
    state: Path
    model: AttributionModel
    routes: Sequence[Route]
    as_json: bool
    wrong: Sequence[str] | None = None  # None: it did not come to an end

    async def work(self, interruption: Interruption) -> None:
        """Replay and compare."""
        begun = time.monotonic()
        await empty(self.state)
        watcher = Watcher()
        try:
            async with running(
                self.state,
                without=LEFT_OUT,
                environment_extra={ALL: own_names("replay")},
                on_event=quiet(watcher),
            ) as platform:
                watcher.close()
                interruption.on_second = platform.hasten
                actual = await self._replayed(platform)
        finally:
            watcher.close()
        wanted = expected(self.routes, self.model)
        self.wrong = mismatches(wanted, actual)
        out.print(_by_channel(wanted, actual))
        if self.as_json:
            seconds = round(time.monotonic() - begun, 1)
            out.out(json.dumps({**self._numbers(actual), "seconds": seconds}), highlight=False)

    async def _replayed(self, platform: Running) -> Found:
        touches = sum(route.touches for route in self.routes)
        hold = hold_seconds(touches)
        document = organisation(channels_of(self.routes), self.model, hold)
        keys = await asyncio.to_thread(applied, platform.state, document)
        await platform.settled(_SETUP_SECONDS)
        with _bar() as bar:
            task = bar.add_task("clicks", total=touches)
            tracking = platform.url("tracking")
            await drive(tracking, keys[KEY], self.routes, lambda n: bar.advance(task, n))
        conversions = sum(route.conversions for route in self.routes)
        patience = _SETTLE_SECONDS + conversions / _CONVERSIONS_A_SECOND
        await platform.settled(patience + hold, horizon_seconds=hold + _SETTLE_SECONDS)
        kafka, prefix = platform.infrastructure.kafka_bootstrap, platform.topic_prefix
        async with Tape.recording(kafka, prefix, TOPICS) as tape:
            await tape.to_end(deadline_seconds=patience)
        rewards = with_operator_token(platform.state, "rewards")
        return await asyncio.to_thread(found, tape, rewards)

    def _numbers(self, actual: Found) -> dict[str, object]:
        return {
            "model": self.model.value,
            "paths": len(self.routes),
            "journeys": sum(route.journeys for route in self.routes),
            "touches": sum(route.touches for route in self.routes),
            "conversions": len(actual.credited.orders),
            "credited_minor": sum(actual.credited.minor.values()),
            "paid_minor": sum(actual.paid_minor.values()),
            "ledger_imbalance_minor": actual.imbalance_minor,
            "conversions_by_channel": {
                name: _plain(count) for name, count in sorted(actual.credited.conversions.items())
            },
            "mismatches": len(self.wrong or ()),
        }


@group.callback()
def _only() -> None:
    """Keeps `mta` a name of its own."""


@group.command()
def mta(
    model: Model = AttributionModel.LAST,
    limit: Limit = None,
    state: State = FOLDER,
    as_json: AsJson = False,
) -> None:
    """88,387 journeys over 12 channels, from the mta package, each click a real one."""
    replay = _Replay(state, model, sample(read_paths(), limit), as_json)
    until_interrupted(replay.work, say=out.print)
    if replay.wrong is None:
        raise typer.Exit(_INTERRUPTED)
    if replay.wrong:
        raise NotAsTheOracleSays(replay.wrong)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
    )


def _by_channel(wanted: Credited, actual: Found) -> Table:
    names = sorted(wanted.minor, key=lambda name: -wanted.minor[name])
    return table(
        "Credit by channel",
        ("channel", "conversions", "value", "oracle", "paid by the ledger"),
        [
            (
                name,
                _plain(actual.credited.conversions[name]),
                _money(actual.credited.minor.get(name, 0)),
                _money(wanted.minor[name]),
                _money(actual.paid_minor.get(name, 0)),
            )
            for name in names
        ],
    )


def _plain(count: Fraction) -> int | float:
    return int(count) if count.denominator == 1 else round(float(count), 3)


def _money(amount_minor: int) -> str:
    return str(Money.of(amount_minor, CURRENCY))
