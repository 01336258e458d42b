"""A service's HTTP edge: its application, the kit's own routes, and the server that runs it."""

from .app import create_app
from .bearers import AS_OPERATOR, OPERATORS, Opened, opened_by, to_operators
from .operations import Internal
from .server import serve

__all__ = [
    "AS_OPERATOR",
    "OPERATORS",
    "Internal",
    "Opened",
    "create_app",
    "opened_by",
    "serve",
    "to_operators",
]
