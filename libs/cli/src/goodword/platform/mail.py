"""A mailbox for the local stack: takes every mail by SMTP, delivers none, keeps each as a file."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from local_stack.ports import LOOPBACK

KEPT_IN_MEMORY = 2_000
_MAIL_MAX_BYTES = 1 << 20
_ACCEPTED = "250 Message accepted"


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it was handed over; `file` is where it lies."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    file: Path

    @property
    def message(self) -> EmailMessage:
        """It parsed: headers, parts."""
        return message_from_bytes(self.content, policy=policy.default)


class MailSink:
    """The newest mails in memory, all of them in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mails: deque[Mail] = deque(maxlen=KEPT_IN_MEMORY)
        self._arrived = asyncio.Condition()
        self._number = 0
        self.url = ""

    @property
    def mails(self) -> list[Mail]:
        """Oldest first."""
        return list(self._mails)

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator["MailSink"]:
        """Take mail on this loopback port. Raises OSError when it is taken."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._number = sum(1 for _ in self._folder.glob("*.eml"))
        server = await asyncio.get_running_loop().create_server(self._session, LOOPBACK, port)
        self.url = f"smtp://{LOOPBACK}:{port}"
        try:
            yield self
        finally:
            server.close()

    async def wait_for(self, count: int, *, deadline_seconds: float) -> list[Mail]:
        """The mails, once there are so many. Raises TimeoutError."""
        async with asyncio.timeout(deadline_seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self._mails) >= count)
        return self.mails

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd with each message."""
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        self._number += 1
        file = self._folder / f"{self._number:06d}.eml"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(raw)
        mail = Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw, file)
        async with self._arrived:
            self._mails.append(mail)
            self._arrived.notify_all()
        return _ACCEPTED

    def _session(self) -> SMTP:
        return SMTP(self, data_size_limit=_MAIL_MAX_BYTES, enable_SMTPUTF8=True, ident="Goodword")
