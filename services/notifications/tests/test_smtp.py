"""A mail server that goes silent: one mail costs one deadline, whatever hangs."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

import pytest
from notifications.senders.pump import LEASE
from notifications.senders.smtp import SMTP_SECONDS, Connections, Refused, SmtpServer, Unsure

pytestmark = pytest.mark.real
SECONDS = 2.0
IDLE = 8


class Mute:
    """Answers each command, but those in `silent`; `""` is the greeting."""

    def __init__(self) -> None:
        self.silent: set[str] = set()
        self.sessions = 0
        self.over = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        await self._say(writer, "", "220 here")
        in_data = False
        while line := await reader.readline():
            if in_data and line != b".\r\n":
                continue
            command = "." if in_data else line[:4].decode().strip().upper()
            in_data = command == "DATA"
            await self._say(writer, command, "354 go" if in_data else "250 fine")
        writer.close()

    async def _say(self, writer: asyncio.StreamWriter, command: str, answer: str) -> None:
        if command in self.silent:
            await self.over.wait()
        writer.write(f"{answer}\r\n".encode())


@asynccontextmanager
async def mute() -> AsyncIterator[Mute]:
    one = Mute()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}?starttls=never"
    try:
        yield one
    finally:
        one.over.set()
        server.close()


async def _send(connections: Connections) -> None:
    mail = EmailMessage()
    mail.set_content("hello")
    await connections.send(mail, "a@example.com", "b@example.com")


@pytest.mark.parametrize(
    ("silent", "outcome"),
    [
        ({"RSET"}, None),
        ({"RSET", ""}, Refused),
        ({"RSET", "EHLO", "HELO"}, Refused),
        ({"MAIL"}, Refused),
        ({"RCPT"}, Refused),
        ({"DATA"}, Unsure),
        ({"."}, Unsure),
    ],
)
async def test_one_deadline_covers_all_of_a_mail(
    silent: set[str], outcome: type[Exception] | None
) -> None:
    async with mute() as server:
        connections = Connections(SmtpServer.of(server.url), SECONDS)
        await asyncio.gather(*(_send(connections) for _ in range(IDLE)))
        server.silent = silent
        begun = time.monotonic()
        if outcome is None:
            await _send(connections)
        else:
            with pytest.raises(outcome) as raised:
                await _send(connections)
            assert getattr(raised.value, "passing", True)
        assert time.monotonic() - begun < SECONDS * 1.5
        await connections.close()


async def test_at_the_first_dead_connection_all_are_given_up() -> None:
    async with mute() as server:
        connections = Connections(SmtpServer.of(server.url), SECONDS)
        await asyncio.gather(*(_send(connections) for _ in range(IDLE)))
        server.silent = {"RSET"}
        await _send(connections)
        assert server.sessions == IDLE + 1
        server.silent = set()
        await _send(connections)
        assert server.sessions == IDLE + 1
        await connections.close()


def test_the_deadline_is_far_below_the_lease_of_the_send_window() -> None:
    assert LEASE.total_seconds() > SMTP_SECONDS * 2
