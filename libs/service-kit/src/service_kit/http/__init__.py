"""A service's HTTP edge: its application, the kit's own routes, and the server that runs it."""

from .app import create_app
from .bearers import Opened, opened_by
from .operations import Internal
from .server import serve

__all__ = ["Internal", "Opened", "create_app", "opened_by", "serve"]
