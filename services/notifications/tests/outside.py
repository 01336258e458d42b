"""The world outside: a mail server, a control plane with keys, a webhook receiver."""

import asyncio
import email
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP

Answer = tuple[int, dict[str, str], bytes]


class Inbox:
    """What the mail server took; `answer` is what it says to the next mails."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answer = "250 OK"
        self.rcpt_answer = "250 OK"
        self.hangs_up = False
        self.url = ""

    async def handle_RCPT(self, _server, _session, envelope, address, _options) -> str:
        """Called by aiosmtpd with each recipient."""
        if self.rcpt_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_answer

    async def handle_DATA(self, server, _session, envelope) -> str:
        """Called by aiosmtpd with each mail."""
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        self.recipients += envelope.rcpt_tos
        if self.hangs_up:
            server.transport.abort()
        return self.answer


@asynccontextmanager
async def mail_server() -> AsyncIterator[Inbox]:
    """An SMTP server on a free port."""
    inbox = Inbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(inbox, enable_SMTPUTF8=True), "127.0.0.1", 0)
    inbox.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield inbox
    finally:
        server.close()


class Receiver:
    """An HTTP server of few words: what it got, and what it answers next."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: Answer = (200, {}, b"{}")
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.reply: Callable[[bytes], Awaitable[Answer]] | None = None
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *rest = head.strip().split("\r\n")
            headers = {n.lower(): v.strip() for n, _, v in (one.partition(":") for one in rest)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.requests.append((line, headers, body))
            await self.hangs.wait()
            status, extra, answer = await self.reply(body) if self.reply else self.answer
            lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(answer)}", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in extra.items()]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A webhook receiver on a free port."""
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        made.hangs.set()
        server.close()


@asynccontextmanager
async def control_plane(keys: dict[str, str]) -> AsyncIterator[Receiver]:
    """Answers `/v1/contact-keys` from these keys."""

    async def reply(body: bytes) -> Answer:
        wanted = json.loads(body)["key_ids"]
        found = {key_id: keys[key_id] for key_id in wanted if key_id in keys}
        return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()

    async with receiver() as made:
        made.reply = reply
        yield made
