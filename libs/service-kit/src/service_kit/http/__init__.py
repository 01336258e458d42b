"""A service's HTTP edge: its application, the kit's own routes, and the server that runs it."""

from .app import create_app
from .operations import Internal
from .server import serve

__all__ = ["Internal", "create_app", "serve"]
