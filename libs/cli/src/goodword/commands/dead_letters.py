"""`dlq`: the events that services have set aside, and an operator's decision about each."""

import getpass
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from ..app import DEFAULT_STATE, AsJson, Panel, State, print_json
from ..errors import PlatformError
from ..screen import out, table
from ..services import running_services, with_operator_token

Parked = Mapping[str, object]

dlq = typer.Typer(no_args_is_help=True, help="Events that were set aside: look, release, discard.")
commands = typer.Typer()
commands.add_typer(dlq, name="dlq", rich_help_panel=Panel.LOOK.value)

_LISTED = 1_000
_SHOWN_FIRST = ("service", "id", "source", "type", "reason", "detail")

EventId = Annotated[str, typer.Argument(help="The event's id, as `dlq list` shows it.")]
Service = Annotated[str | None, typer.Option("--service", help="Only of this service.")]
Source = Annotated[str | None, typer.Option("--source", help="The event's source.")]
Actor = Annotated[str, typer.Option("--actor", help="Who decides; it is recorded.")]


@dlq.command("list")
def list_parked(
    state: State = DEFAULT_STATE, service: Service = None, as_json: AsJson = False
) -> None:
    """List what is set aside, with the reason."""
    found = list(_parked(state, service))
    if as_json:
        print_json(found)
    elif not found:
        out.print("Nothing is set aside.")
    else:
        columns = ("service", "id", "type", "state", "reason", "detail")
        rows = [[each.get(column) or "-" for column in columns] for each in found]
        out.print(table("Set aside", columns, rows))


@dlq.command("show")
def show(
    event_id: EventId,
    state: State = DEFAULT_STATE,
    service: Service = None,
    source: Source = None,
) -> None:
    """Show one event: where it came from, and why it was set aside. Never its content."""
    each = _find(state, event_id, service, source)
    ordered = (*_SHOWN_FIRST, *(name for name in each if name not in _SHOWN_FIRST))
    for name in ordered:
        if each.get(name) is not None:
            out.print(f"{name:<12} {each[name]}", soft_wrap=True, markup=False)


@dlq.command("release")
def release(
    event_id: EventId,
    state: State = DEFAULT_STATE,
    service: Service = None,
    source: Source = None,
    actor: Actor = "",
) -> None:
    """Handle an event after all, then those that wait behind it."""
    _decide(state, _find(state, event_id, service, source), "release", actor)


@dlq.command("discard")
def discard(
    event_id: EventId,
    state: State = DEFAULT_STATE,
    service: Service = None,
    source: Source = None,
    actor: Actor = "",
) -> None:
    """Give an event up for good, and handle those that wait behind it."""
    _decide(state, _find(state, event_id, service, source), "discard", actor)


def _parked(state: Path, service: str | None) -> Iterator[dict[str, object]]:
    for name in [service] if service else running_services(state):
        answer = with_operator_token(state, name).get("/internal/parked", {"limit": _LISTED})
        for each in answer if isinstance(answer, list) else []:
            yield {"service": name, **each}


def _find(state: Path, event_id: str, service: str | None, source: str | None) -> Parked:
    found = [
        each
        for each in _parked(state, service)
        if each.get("id") == event_id and source in (None, each.get("source"))
    ]
    if not found:
        raise PlatformError(f"No event {event_id} is set aside. `goodword dlq list` lists all.")
    if len(found) > 1:
        places = ", ".join(f"{each['service']} (source {each['source']})" for each in found)
        raise PlatformError(
            f"{event_id} is set aside more than once: {places}. Name one with "
            "--service and --source."
        )
    return found[0]


def _decide(state: Path, each: Parked, decision: str, actor: str) -> None:
    body = {"source": each["source"], "id": each["id"], "actor": actor or getpass.getuser()}
    address = with_operator_token(state, str(each["service"]))
    answer = address.post(f"/internal/parked/{decision}", body)
    outcome = answer.get("outcome") if isinstance(answer, dict) else None
    out.print(f"{each['id']}: {outcome or 'done'}", markup=False)
