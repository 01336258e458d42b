"""`bench`: how fast, how soon, how large; beside bare loops that do the same work."""

import asyncio
import shutil
from pathlib import Path
from typing import Annotated

import typer
from local_stack import erase

from ..app import AsJson, Panel, print_json
from ..bench.figures import RUNS
from ..bench.report import COLUMNS
from ..bench.run import Options, keep, run
from ..errors import PlatformError
from ..screen import err, out, table

commands = typer.Typer()
PROOF = Panel.PROOF.value
DEFAULT_STATE = Path(".goodword/bench")
Folder = Annotated[Path, typer.Option("--state", help="A folder of its own, emptied first.")]


@commands.command(rich_help_panel=PROOF)
def bench(
    only: Annotated[str, typer.Option(help="Some of a,b,c,d,f; e comes with b.")] = "",
    seconds: Annotated[float, typer.Option(min=1, help="Measured time, after a sixth of it.")] = 60,
    runs: Annotated[int, typer.Option(min=1, help="How often; medians count.")] = 3,
    state: Folder = DEFAULT_STATE,
    record: Annotated[bool, typer.Option("--record", help="Keep it in benchmarks/.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure the platform beside its bare baselines; fails when a figure is not reached."""
    names = [name for name in only.split(",") if name] or list(RUNS)
    unknown = [name for name in names if name not in RUNS]
    if unknown:
        raise PlatformError(f"--only takes some of {', '.join(RUNS)}, not {', '.join(unknown)}.")
    _emptied(state)
    options = Options(only=names, seconds=seconds, warm_up=seconds / 6, runs=runs)
    outcome = asyncio.run(run(state, options, lambda text: err.print(text, markup=False)))
    _emptied(state)
    if as_json:
        print_json(outcome.to_json())
    else:
        out.print(table("Measured", COLUMNS, [line.cells() for line in outcome.lines]))
    for reason in outcome.void:
        err.print(reason, style="bold red", markup=False)
    if record and not outcome.void:
        err.print(f"Kept in {keep(outcome, Path.cwd())}", markup=False)
    if not outcome.met:
        raise typer.Exit(1)


def _emptied(state: Path) -> None:
    """Every run starts from nothing, and leaves nothing."""
    if not state.exists():
        return
    if not any((state / mark).exists() for mark in ("stack.json", "platforms", "kafka")):
        raise PlatformError(f"{state} is no folder of a benchmark, so it was not emptied.")
    asyncio.run(erase(state))
    shutil.rmtree(state, ignore_errors=True)
