"""`goodword`, and `python -m goodword`."""

import logging
import sys

from local_stack import StackError

from .app import app
from .commands import bench, chaos, dead_letters, documents, organisation, platform, secrets, topics
from .demo import command as demo
from .errors import PlatformError
from .replay import command as replay
from .screen import err

for module in (
    platform,
    secrets,
    demo,
    replay,
    organisation,
    topics,
    dead_letters,
    documents,
    chaos,
    bench,
):
    app.add_typer(module.commands)


def main() -> None:
    """Run one command. What is known to go wrong is told in words, with exit code 1."""
    logging.basicConfig(handlers=[logging.NullHandler()])  # errors are told once, by us
    try:
        app()
    except (PlatformError, StackError) as error:
        err.print("[bold red]Error:[/] ", end="")
        err.out(str(error), highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
