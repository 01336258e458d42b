"""`chaos`: kill everything at random under load, then prove that nothing was lost or doubled."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from local_stack import erase

from ..app import AsJson, Panel, print_json
from ..chaos.report import Report
from ..chaos.run import Options, run
from ..screen import Watcher, err, out
from .platform import check_ours

commands = typer.Typer()
PROOF = Panel.PROOF.value
DEFAULT_STATE = Path(".goodword/chaos")
Folder = Annotated[Path, typer.Option("--state", help="A folder of its own, emptied first.")]


@commands.command(rich_help_panel=PROOF)
def chaos(
    kills: Annotated[int, typer.Option(min=0, help="How many processes to kill.")] = 40,
    events: Annotated[int, typer.Option(min=1, help="How many conversions.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Decides victims, moments and load.")] = 1,
    state: Folder = DEFAULT_STATE,
    as_json: AsJson = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show every log line.")] = False,
) -> None:
    """Kill services, Kafka and PostgreSQL under load; then check that every promise held."""
    if state.exists():
        check_ours(state)
        asyncio.run(erase(state))
    report = asyncio.run(_run(state, Options(kills=kills, conversions=events, seed=seed), verbose))
    if as_json:
        print_json(report.to_json())
    else:
        for line in report.lines():
            out.print(line, markup=False, soft_wrap=True)
    if not report.held:
        raise typer.Exit(1)


async def _run(state: Path, options: Options, verbose: bool) -> Report:
    def say(text: str) -> None:
        err.print(text, markup=False)

    if not verbose:
        return await run(state, options, say)
    watcher = Watcher(err)
    try:
        return await run(state, options, say, watcher)
    finally:
        watcher.close()
