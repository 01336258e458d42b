"""The `goodword` application: its commands, and how an error reaches the person at the terminal."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from .screen import out

DEFAULT_STATE: Final = Path(".goodword")

app = typer.Typer(
    name="goodword",
    help="Bring the referral platform up, watch it work, look inside it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

State = Annotated[
    Path,
    typer.Option(
        "--state", envvar="GOODWORD_STATE", help="The folder in which everything local lies."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


class Panel(StrEnum):
    """The groups in `goodword --help`."""

    RUN = "Run"
    PROGRAMS = "Programs as code"
    LOOK = "Look inside"
    PROOF = "Prove it"


def print_json(document: object) -> None:
    """One JSON document on standard output, nothing else."""
    out.out(json.dumps(document, indent=1, ensure_ascii=False), highlight=False)
