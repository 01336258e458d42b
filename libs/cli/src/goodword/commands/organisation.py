"""`plan`, `apply`, `hash`: the organisation as code, and the hashes that connectors send."""

import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.text import Text
from shared_schemas.matching import NotAnAddress, email_hash

from ..app import DEFAULT_STATE, Panel, State
from ..errors import BadDocument, PlatformError
from ..platform import keep_keys
from ..platform.install import KEYS_FILE, match_key
from ..screen import out, table
from ..services import with_admin_key

PROGRAMS = Panel.PROGRAMS.value
commands = typer.Typer()
SAMPLE = files("goodword") / "demo" / "organisation.yaml"

Document = Mapping[str, object]
Differences = Sequence[Mapping[str, str | None]]
File = Annotated[Path, typer.Argument(help="The organisation as YAML or JSON.", metavar="FILE")]


class _Loader(yaml.SafeLoader):
    """YAML whose times stay text: the service reads them, with its own messages."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@commands.command(rich_help_panel=PROGRAMS)
def plan(file: File, state: State = DEFAULT_STATE) -> None:
    """Show what applying FILE would change, and change nothing."""
    show_differences(planned(state, read_document(file)))


@commands.command(rich_help_panel=PROGRAMS)
def apply(
    file: File,
    state: State = DEFAULT_STATE,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Make the organisation what FILE says: shows the difference first, then asks."""
    document = read_document(file)
    differences = planned(state, document)
    show_differences(differences)
    if not differences:
        return
    if not yes and not typer.confirm("Make these changes?"):
        raise typer.Exit(1)
    show_keys(state, applied(state, document))


@commands.command(name="hash", rich_help_panel=PROGRAMS)
def hash_addresses(
    addresses: Annotated[list[str], typer.Argument(help="E-mail addresses; - reads lines.")],
    state: State = DEFAULT_STATE,
) -> None:
    """Print the hash of each e-mail ADDRESS, as CRM events carry it instead of the address."""
    key = match_key(state)
    given = (line.strip() for line in sys.stdin) if addresses == ["-"] else iter(addresses)
    for number, address in enumerate(given, start=1):
        try:
            out.out(email_hash(key, address), highlight=False)
        except NotAnAddress:
            raise PlatformError(f"Number {number} is not an e-mail address.") from None


def read_document(file: Path) -> Document:
    """A YAML (or JSON) mapping. Raises BadDocument."""
    try:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - safe
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadDocument(file, str(error)) from None
    if not isinstance(document, dict):
        raise BadDocument(file, "it should hold markets, programs, participants, links and keys")
    return document


def planned(state: Path, document: Document) -> Differences:
    """What the document would change. Raises PlatformError with every mistake in it."""
    answer = _asked(state, "/v1/plan", document)
    errors = answer.get("errors")
    if isinstance(errors, list) and errors:
        told = "\n".join(f"  {each['where']}: {each['problem']}" for each in errors)
        raise PlatformError(f"The document has mistakes, so nothing was changed:\n{told}")
    return _differences(answer)


def applied(state: Path, document: Document) -> dict[str, str]:
    """Make it so; returns the raw keys that were issued, which are kept in the state folder."""
    answer = _asked(state, "/v1/apply", document)
    found = answer.get("keys")
    keys = {str(name): str(raw) for name, raw in found.items()} if isinstance(found, dict) else {}
    keep_keys(state, keys)
    return keys


def apply_sample(state: Path) -> dict[str, str]:
    """Apply the sample organisation; returns the raw keys issued."""
    return applied(state, read_document(Path(str(SAMPLE))))


def show_differences(differences: Differences) -> None:
    """One line a fact: new, gone, or before and after."""
    if not differences:
        out.print("Nothing would change.")
    for each in differences:
        out.print(difference_line(each), soft_wrap=True)


def difference_line(each: Mapping[str, str | None]) -> Text:
    """One fact before and after."""
    what, before, after = each.get("what"), each.get("before"), each.get("after")
    if before is None:
        return Text(f"+ {what}: {after}", "green")
    if after is None:
        return Text(f"- {what}: {before}", "red")
    return Text(f"~ {what}: {before} → {after}", "yellow")


def show_keys(state: Path, keys: Mapping[str, str]) -> None:
    """The raw keys, this once."""
    out.print("Done.")
    if keys:
        out.print(table("New keys, shown this once", ("key", "raw"), keys.items()), soft_wrap=True)
        out.print(f"They are kept in {state / KEYS_FILE}, for `goodword status --json`.")


def _asked(state: Path, path: str, document: Document) -> Mapping[str, object]:
    answer = with_admin_key(state, "programs").post(path, {"document": document})
    if not isinstance(answer, dict):
        raise PlatformError("programs gave an answer that is no document.")
    return answer


def _differences(answer: Mapping[str, object]) -> Differences:
    changes = answer.get("changes")
    return changes if isinstance(changes, list) else []
