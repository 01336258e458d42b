"""`documents`: pages that are written from the source."""

from pathlib import Path
from typing import Annotated

import typer

from ..app import Panel
from ..errors import PlatformError
from ..screen import out

SETTINGS_PAGE = Path("docs") / "settings.md"
commands = typer.Typer()


@commands.command(rich_help_panel=Panel.LOOK.value)
def documents(
    page: Annotated[
        Path, typer.Option("--page", help="Where the page of settings lies.")
    ] = SETTINGS_PAGE,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if it is out of date.")
    ] = False,
) -> None:
    """Write the page of every setting again."""
    from ..settings_page import settings_page  # noqa: PLC0415 - loads every service's settings

    text = settings_page()
    if not check:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
        out.print(f"{page} written.", markup=False)
    elif not page.exists() or page.read_text(encoding="utf-8") != text:
        raise PlatformError(f"{page} is out of date. Write it again with `goodword documents`.")
