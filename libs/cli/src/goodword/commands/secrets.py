"""`secrets`: what an install of one's own needs before its first start."""

from secrets import token_hex

import typer

from ..app import Panel
from ..platform.install import SECRET_FIELDS, Secrets
from ..screen import out

_PASSWORD_BYTES = 24
commands = typer.Typer()


@commands.command(rich_help_panel=Panel.RUN.value)
def secrets() -> None:
    """Draw fresh secrets, as lines for the `.env` beside docker-compose.yml."""
    drawn = Secrets.random().environment(SECRET_FIELDS)
    drawn["GOODWORD_POSTGRES_PASSWORD"] = token_hex(_PASSWORD_BYTES)  # it stands in URLs
    for name, value in drawn.items():
        out.out(f"{name}={value}", highlight=False)
