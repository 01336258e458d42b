"""`up`, `down`, `reset`, `status`, `login`, `doctor`: the platform on this machine."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from local_stack import checks, erase, repair, stop_leftovers
from local_stack.processes import end

from ..app import DEFAULT_STATE, AsJson, Panel, State, print_json
from ..errors import NotOurs, PlatformError
from ..login import OPERATOR, login_url
from ..platform import Observer, Running, Status, running
from ..platform.catalogue import ALL, PREFIX_SETTING
from ..platform.install import SECRETS_FILE
from ..platform.record import LOCK_FILE, RUN_FILE, end_leftovers, held, read_run
from ..screen import Watcher, out, status_table, table
from ..signals import Interruption, until_interrupted
from .organisation import apply_sample

RUN = Panel.RUN.value
commands = typer.Typer()
_DOWN_SECONDS = 90.0
_MARKS = (SECRETS_FILE, RUN_FILE, LOCK_FILE, "stack.json")

Only = Annotated[list[str] | None, typer.Option(help="Start this service only; may be repeated.")]
Without = Annotated[list[str] | None, typer.Option(help="Leave this service out; may be repeated.")]
Scale = Annotated[list[str] | None, typer.Option(help="SERVICE=N instances; may be repeated.")]
Horizon = Annotated[float, typer.Option(help="Count work due in so many seconds as in flight.")]


@commands.command(rich_help_panel=RUN)
def up(
    state: State = DEFAULT_STATE,
    only: Only = None,
    without: Without = None,
    scale: Scale = None,
    demo: Annotated[bool, typer.Option("--demo", help="With the sample organisation.")] = False,
) -> None:
    """Start Kafka, PostgreSQL and every service, and keep them running until Ctrl-C."""
    counts = parse_scale(scale or [])
    watcher = Watcher()

    async def work(interruption: Interruption) -> None:
        async with running(
            state,
            only=only,
            without=without or (),
            scale=counts,
            environment_extra={ALL: _passed_on()},
            on_event=watcher,
        ) as platform:
            interruption.on_second = platform.hasten
            await _greet(platform, demo=demo)
            await asyncio.Event().wait()

    try:
        until_interrupted(work, say=out.print)
    finally:
        watcher.close()


@commands.command(rich_help_panel=RUN)
def down(state: State = DEFAULT_STATE) -> None:
    """Stop what runs from the state folder, also what a killed run left behind."""
    stopped = asyncio.run(_down(state))
    out.print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@commands.command(rich_help_panel=RUN)
def reset(state: State = DEFAULT_STATE) -> None:
    """Stop everything and delete the state folder: data, secrets, keys, mail, logs."""
    if not state.exists():
        out.print("There is nothing to delete.")
        return
    check_ours(state)
    asyncio.run(_down(state))
    asyncio.run(erase(state))
    out.print(f"{state} is deleted.", markup=False)
    if os.environ.get("GOODWORD_KAFKA") or os.environ.get("GOODWORD_POSTGRES"):
        out.print("Topics and databases on servers named in the environment are still there.")


@commands.command(rich_help_panel=RUN)
def doctor(
    state: State = DEFAULT_STATE,
    fix: Annotated[bool, typer.Option("--repair", help="Fetch broken downloads again.")] = False,
) -> None:
    """Check this machine, and say what to do about what is wrong."""
    if fix:
        removed = asyncio.run(repair())
        out.print(f"Replaced: {', '.join(removed) or 'nothing was broken'}.", markup=False)
    found = checks(state if state.exists() else None)
    rows = [("ok" if each.ok else "WRONG", each.name, each.detail) for each in found]
    out.print(table("This machine", ("", "check", "found"), rows))
    wrong = [each for each in found if not each.ok]
    for each in wrong:
        out.print(f"{each.name}: {each.remedy}", style="bold", markup=False)
    if wrong:
        raise typer.Exit(1)


@commands.command(rich_help_panel=RUN)
def status(state: State = DEFAULT_STATE, as_json: AsJson = False, horizon: Horizon = 0) -> None:
    """Show every instance, its lag, and whether all work is done."""
    found = asyncio.run(_status(state, horizon))
    if as_json:
        print_json(found.to_json())
        return
    out.print(status_table(found))
    out.print(f"Kafka {found.snapshot.kafka}, PostgreSQL {found.snapshot.postgres}", markup=False)
    out.print("Settled." if found.settled else "Not settled:", style="bold")
    for reason in found.unsettled:
        out.print(f"  {reason}", markup=False)


@commands.command(rich_help_panel=RUN)
def login(
    subject: Annotated[str, typer.Option("--as", help="A participant's id, or `operator`.")],
    state: State = DEFAULT_STATE,
) -> None:
    """Print a link that logs in once, within 15 minutes."""
    out.out(login_url(state, subject), highlight=False)


def parse_scale(texts: Sequence[str]) -> dict[str, int]:
    """`attribution=2` as a mapping. Raises PlatformError."""
    counts = {}
    for text in texts:
        name, _, count = text.partition("=")
        if not count.isdecimal():
            raise PlatformError(f"--scale takes SERVICE=N, such as attribution=2, not {text}.")
        counts[name] = int(count)
    return counts


def check_ours(state: Path) -> None:
    """Raises NotOurs for a folder that `goodword` has not made, or that holds the user's work."""
    folder = state.absolute()
    marked = any((folder / mark).exists() for mark in _MARKS)
    inside = folder == Path.cwd() or folder in Path.cwd().parents
    if not marked or inside or folder == Path.home() or (folder / ".git").exists():
        raise NotOurs(state)


async def _status(state: Path, horizon_seconds: float) -> Status:
    async with Observer.watching(state) as observer:
        return await observer.status(horizon_seconds)


async def _down(state: Path) -> list[str]:
    """Stop a living run, or what a killed one left; returns what was stopped."""
    run = await asyncio.to_thread(read_run, state)
    if run.is_alive and run.supervisor is not None:
        try:
            await end(run.supervisor, signals=[signal.SIGTERM], patience_seconds=_DOWN_SECONDS)
        except TimeoutError:
            raise PlatformError(
                f"Process {run.supervisor.pid} does not end. Kill it, then run this again."
            ) from None
        return ["everything"]
    if not await asyncio.to_thread(state.exists):
        return []
    with held(state):
        services = await end_leftovers(state)
    servers = await stop_leftovers(state)
    return [each.name for each in services] + [each.server for each in servers]


async def _greet(platform: Running, *, demo: bool) -> None:
    if demo:
        keys = await asyncio.to_thread(apply_sample, platform.state)
        out.print(f"The sample organisation is there; {len(keys)} keys are in the state folder.")
    links = [(name, platform.url(name)) for name in platform.services]
    out.print(table("Everything is up", ("service", "url"), [*links, ("mail", platform.mail.url)]))
    out.print(f"Mail is kept in {platform.state / 'mail'}, logs in {platform.state / 'logs'}.")
    if "hub" in platform.services:
        url = await asyncio.to_thread(login_url, platform.state, OPERATOR)
        out.print(f"Look at it here, once: [bold]{url}[/]", soft_wrap=True)
    out.print("Ctrl-C stops everything.", style="dim")


def _passed_on() -> dict[str, str]:
    prefix = os.environ.get(PREFIX_SETTING)
    return {PREFIX_SETTING: prefix} if prefix else {}
