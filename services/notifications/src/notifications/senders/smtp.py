"""A mail server and connections to it that are used again."""

import asyncio
import time
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from ..domain.letters import Letter

SMTP_SECONDS = 20  # one mail from RSET or connect to its answer; far below the window's lease
_PORTS = {"smtp": 25, "smtps": 465}
_STARTTLS = {"require": True, "never": False}


class Refused(Exception):
    """The mail server took the mail not; `passing` says whether it may later."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing


class Unsure(Exception):
    """The mail was handed over, but the answer never came: it may have been taken."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail goes, from a URL. `start_tls` None: when the server offers it."""

    host: str
    port: int
    username: str | None
    password: str | None
    use_tls: bool
    start_tls: bool | None

    @classmethod
    def of(cls, url: str) -> "SmtpServer":
        """Raises ValueError for what is no `smtp://` or `smtps://` URL."""
        parts = urlsplit(url)
        starttls = parse_qs(parts.query).get("starttls", ["offered"])[-1]
        if (
            parts.scheme not in _PORTS
            or not parts.hostname
            or starttls
            not in (
                *_STARTTLS,
                "offered",
            )
        ):
            raise ValueError("expected smtp://[user:password@]host:port or smtps://…")
        return cls(
            host=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            start_tls=None
            if parts.scheme == "smtp" and starttls == "offered"
            else _STARTTLS.get(starttls, False),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What goes around a letter."""

    message_id: str
    sender: Address
    recipient: Address
    unsubscribe_url: str | None


def composed(letter: Letter, envelope: Envelope) -> EmailMessage:
    """The mail as text and HTML, with the headers of automatic mail (RFC 3834, RFC 8058)."""
    mail = EmailMessage(policy=SMTP_POLICY.clone(max_line_length=78))
    mail["From"] = envelope.sender
    mail["To"] = envelope.recipient
    mail["Subject"] = letter.subject
    mail["Message-ID"] = envelope.message_id
    mail["Auto-Submitted"] = "auto-generated"
    if envelope.unsubscribe_url:
        mail["List-Unsubscribe"] = f"<{envelope.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(letter.text, cte="quoted-printable")
    mail.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    mail["Content-Language"] = letter.language  # last: setting content drops such headers
    return mail


class Connections:
    """Connections to one server; each carries one mail at a time, then the next."""

    def __init__(self, server: SmtpServer, seconds: float = SMTP_SECONDS) -> None:
        self._server = server
        self._seconds = seconds
        self._idle: list[aiosmtplib.SMTP] = []

    async def send(self, mail: EmailMessage, sender: str, recipient: str) -> None:
        """Hand one mail over, all of it within one deadline. Raises Refused, Unsure."""
        handover = _Handover(mail, sender, recipient, time.monotonic() + self._seconds)
        try:
            async with asyncio.timeout(self._seconds):
                client = await self._connected()
                try:
                    await handover.to(client)
                except BaseException:
                    client.close()
                    raise
        except TimeoutError:
            if handover.begun:
                raise Unsure("timeout") from None
            raise Refused("timeout", passing=True) from None
        self._idle.append(client)

    async def close(self) -> None:
        """Close every idle connection."""
        while self._idle:
            self._idle.pop().close()

    async def _connected(self) -> aiosmtplib.SMTP:
        while self._idle:
            client = self._idle.pop()
            if client.is_connected and await _is_alive(client, self._seconds / 4):
                return client
            client.close()
            await self.close()  # a server that dropped one has dropped all; none costs its own wait
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            timeout=self._seconds / 2,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise Refused(f"no connection: {type(error).__name__}", passing=True) from None
        except BaseException:
            client.close()
            raise
        return client


async def _is_alive(client: aiosmtplib.SMTP, seconds: float) -> bool:
    try:
        await client.rset(timeout=seconds)
    except (aiosmtplib.SMTPException, OSError):
        return False
    except BaseException:
        client.close()
        raise
    return True


@dataclass(slots=True)
class _Handover:
    """One mail on its way. `begun` once the server may have taken it; not after `ends_at`."""

    mail: EmailMessage
    sender: str
    recipient: str
    ends_at: float
    begun: bool = False

    async def to(self, client: aiosmtplib.SMTP) -> None:
        """Hand it to the server. Raises Refused, Unsure."""
        try:
            await client.mail(self.sender)
            await client.rcpt(self.recipient)
            if time.monotonic() >= self.ends_at:  # the process was frozen: the window may be over
                raise Refused("timeout", passing=True)
            self.begun = True
            await client.data(self.mail.as_bytes())
        except aiosmtplib.SMTPResponseException as error:
            # The server's text may repeat the address, so that only its code is kept.
            passing = not 500 <= error.code < 600
            raise Refused(f"the mail server answered {error.code}", passing=passing) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            if self.begun:
                raise Unsure(type(error).__name__) from None
            raise Refused(f"connection lost: {type(error).__name__}", passing=True) from None
