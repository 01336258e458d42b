"""Granian, inside our own event loop, behind one function."""

import asyncio
import socket
from collections.abc import Callable

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from litestar.types import ASGIApp

from ..settings import KitSettings

_CONNECTIONS_MAX = 1_024
_OUR_LOGGING = {"incremental": True, "formatters": {}, "handlers": {}, "loggers": {}}


class ServerEnded(RuntimeError):
    """The HTTP server came to an end that nobody asked for."""


async def serve(app: ASGIApp, settings: KitSettings, stop: asyncio.Event) -> None:
    """Answer requests until `stop` is set, then let those in flight end and return.

    Raises OSError if the address is taken, ServerEnded if the server fails.
    """
    _refuse_taken(settings.host, settings.port)
    server = Server(
        app,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        websockets=False,
        backlog=_CONNECTIONS_MAX,
        log_level=LogLevels.error,
        log_dictconfig=_OUR_LOGGING,
    )
    server.workers_kill_timeout = max(1, int(settings.stop_seconds))
    stopping = asyncio.create_task(_after(stop, server.stop))
    try:
        await server.serve()
    finally:
        stopping.cancel()
    if not stop.is_set():
        raise ServerEnded(f"the HTTP server on port {settings.port} ended by itself")


def _refuse_taken(host: str, port: int) -> None:
    """Granian's own complaint is no OSError, and comes with a page of native frames."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    socket.create_server((host, port), family=family).close()


async def _after(stop: asyncio.Event, action: Callable[[], object]) -> None:
    await stop.wait()
    action()
