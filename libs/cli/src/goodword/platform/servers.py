"""Kafka and PostgreSQL, where this run started them: brought back when they end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from local_stack import Infrastructure, StackError
from local_stack.server import LocalServer

from ..errors import PlatformError
from .events import Ended, OnEvent, Starting
from .instance import pause_seconds

_LOOK_SECONDS = 0.25
NO_CODE = -9  # a server's end is seen, not waited for


class Servers:
    """The local servers of one run, by name; none where somebody else runs them."""

    def __init__(self, owned: Infrastructure | None, on_event: OnEvent) -> None:
        found = (owned.kafka, owned.postgres) if owned else ()
        self._servers: dict[str, LocalServer] = {s.name: s for s in found if s is not None}
        self._locks = {name: asyncio.Lock() for name in self._servers}
        self._say = on_event

    def __contains__(self, name: object) -> bool:
        return name in self._servers

    @asynccontextmanager
    async def kept_running(self) -> AsyncIterator[None]:
        """Restart whatever ends within the block; at its end Kafka is stopped before PostgreSQL."""
        keepers = [asyncio.create_task(self._keep(name)) for name in self._servers]
        try:
            yield
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            for server in self._servers.values():
                await server.stop()

    async def kill(self, name: str) -> None:
        """SIGKILL a server; it is started again."""
        async with self._locks[name]:
            await self._servers[name].kill()

    async def restart(self, name: str) -> None:
        """Stop it cleanly and start it on the same port and data. Raises StackError."""
        async with self._locks[name]:
            await self._servers[name].restart()

    async def _keep(self, name: str) -> None:
        server, failures = self._servers[name], 0
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if server.alive:
                failures = 0
                continue
            failures += 1
            pause = pause_seconds(failures)
            self._say(Ended(name, NO_CODE, pause))
            await asyncio.sleep(pause)
            await self._bring_back(name)

    async def _bring_back(self, name: str) -> None:
        server = self._servers[name]
        async with self._locks[name]:
            if server.alive:
                return
            try:
                await server.restart()
            except StackError:
                return  # the next look tries again, after a longer pause
        if server.pid is not None:
            self._say(Starting(name, server.pid))


def check_server(servers: Servers, name: str) -> None:
    """Raises PlatformError when this run did not start that server itself."""
    if name not in servers:
        raise PlatformError(f"{name} was not started by this run, so it cannot be killed.")
