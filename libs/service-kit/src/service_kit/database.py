"""How a service reaches PostgreSQL: where, with which bounds, pooled or alone."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import asyncpg

TlsMode = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One PostgreSQL database and the bounds under which a service uses it."""

    url: str = field(repr=False)  # may hold a password
    application_name: str = "goodword"
    tls: TlsMode = "prefer"
    ca_file: Path | None = None
    pool_max_connections: int = 4
    connect_timeout_seconds: float = 10
    command_timeout_seconds: float = 30
    idle_transaction_timeout_seconds: float = 60  # longer than the relay waits for Kafka

    async def open_pool(self, init: Callable[[Any], Awaitable[None]] | None = None) -> asyncpg.Pool:
        """A pool that opens connections as they are needed, `init` each. The caller closes it."""
        return await asyncpg.create_pool(
            self.url,
            min_size=1,
            max_size=self.pool_max_connections,
            timeout=self.connect_timeout_seconds,
            command_timeout=self.command_timeout_seconds,
            server_settings=self._server_settings(),
            ssl=self._ssl(),
            reset=_nothing_to_reset,
            init=init,
        )

    async def connect(self) -> asyncpg.Connection:
        """A connection outside the pool, for what holds one long: relay, lock, migration."""
        return await asyncpg.connect(
            self.url,
            timeout=self.connect_timeout_seconds,
            command_timeout=self.command_timeout_seconds,
            server_settings=self._server_settings(),
            ssl=self._ssl(),
        )

    @asynccontextmanager
    async def fresh_connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A new connection that has answered `SELECT 1`: what fails on it is the event's own fault.

        Raises what connecting raises, which says nothing about the event.
        """
        connection = await self.connect()
        try:
            await connection.fetchval("SELECT 1")
            yield connection
        finally:
            connection.terminate() if connection.is_in_transaction() else await connection.close()

    def _server_settings(self) -> dict[str, str]:
        return {
            "application_name": self.application_name,
            "timezone": "UTC",
            "jit": "off",  # short statements only; compiling them costs more than running them
            # A plan made while a table was small would read it whole for as long as it is cached.
            "enable_seqscan": "off",
            "idle_in_transaction_session_timeout": _milliseconds(
                self.idle_transaction_timeout_seconds
            ),
        }

    def _ssl(self) -> str | ssl.SSLContext:
        if self.ca_file is None or self.tls in ("disable", "prefer"):
            return self.tls
        context = ssl.create_default_context(cafile=self.ca_file)
        context.check_hostname = self.tls == "verify-full"
        return context


async def _nothing_to_reset(_connection: asyncpg.Connection) -> None:
    """Saves a round trip per release: nobody changes a pooled session (no SET, no session lock,
    no LISTEN), and asyncpg rolls an open transaction back by itself."""


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
