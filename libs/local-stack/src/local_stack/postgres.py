"""PostgreSQL 18 as a local process: the wheel's own programs, driven directly over TCP."""

import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from .postgres_account import PostgresHost, choose_host
from .processes import Account
from .ready import postgres_answers
from .server import LocalServer

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path may not be long, a state folder's may
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    # Nine services with pools of at most eight and a relay connection each make 81; tests, tools
    # and the bench connect beside them, and a rolling restart doubles a service for a moment.
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

# After a SIGKILL the backends linger for up to 2.4 s, and the new postmaster refuses to start
# beside them. It is right; we wait. Deleting postmaster.pid would let two of them write.
LINGERING = ("still in use", "lock file", "is another postmaster")


class LocalPostgres(LocalServer):
    """One PostgreSQL with durable commits, trusting whoever reaches it over loopback."""

    name: ClassVar[str] = "postgres"
    start_seconds: ClassVar[float] = 45.0
    # Fast shutdown, immediate shutdown, kill.
    stop_signals: ClassVar[Sequence[signal.Signals]] = (
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGKILL,
    )

    def __init__(
        self,
        state: Path,
        *,
        port: int | None = None,
        host: Callable[[Path], PostgresHost] = choose_host,
    ) -> None:
        super().__init__(state, port=port)
        self._choose_host = host
        self._chosen: PostgresHost | None = None

    @property
    def url(self) -> str:
        """The server's URL, naming no database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}"

    def _data(self) -> Path:
        return self._host.data

    @property
    def _host(self) -> PostgresHost:
        if self._chosen is None:
            self._chosen = self._choose_host(self._state.data(self.name) / "data")
        return self._chosen

    def _account(self) -> Account | None:
        return self._host.account

    async def _format(self) -> None:
        arguments = ["-U", "postgres", "--auth=trust", "--no-locale", "-E", "UTF8", "--no-sync"]
        command = self._host.command("initdb", "-D", str(self._data()), *arguments)
        await self.run_tool(command, timeout_seconds=self.start_seconds)

    def _command(self) -> Sequence[str | Path]:
        settings = SETTINGS | {"port": str(self.port)}
        pairs = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return self._host.command("postgres", "-D", str(self._data()), *pairs)

    async def _answers(self) -> bool:
        return await postgres_answers(f"{self.url}/postgres")

    def _try_again(self, tail: str) -> bool:
        return any(sign in tail for sign in LINGERING)
