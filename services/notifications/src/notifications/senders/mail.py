"""Mails: the reader's contact is opened in memory, the letter written, handed over once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr

from service_kit.runtime import Runtime
from shared_schemas.events.hub import LoginRequested
from shared_schemas.events.rewards import RewardChanged
from shared_schemas.sealed import CannotOpen, open_with
from shared_schemas.states import MessageState

from ..domain import letters, tokens
from ..domain.delivery import DIGEST, LOGIN, Delivery, Notice, Outcome, Preference
from ..domain.schedule import contact_retry_at, keys_retry_at, mail_retry_at
from ..domain.wording import language_of
from ..settings import Settings
from ..store import claims
from ..store.rows import Told
from .contact_keys import ContactKeys, KeysUnavailable
from .pump import Attempt
from .smtp import Connections, Envelope, Refused, SmtpServer, Unsure, composed

CONCURRENT_MAILS = 8
Keys = Mapping[str, str] | None  # None: they cannot be fetched now


@dataclass(frozen=True, slots=True)
class _Mail:
    delivery: Delivery
    notice: Notice
    reader: claims.Recipient
    carried: Sequence[Told]


class Mailbox:
    """The way out for mails."""

    concurrency = CONCURRENT_MAILS

    def __init__(self, runtime: Runtime[Settings]) -> None:
        settings = runtime.settings
        self._runtime = runtime
        self._hub = settings.hub_url.rstrip("/")
        self._keys = ContactKeys(settings.programs_url, settings.contact_token.get_secret_value())
        self._connections = Connections(SmtpServer.of(settings.smtp_url.get_secret_value()))
        self._sender = _address(*parseaddr(settings.mail_from))

    async def claim(self, free: int) -> list[Attempt]:
        """Mails that are due, with all their readers; then all keys are fetched at once."""
        async with self._runtime.transaction() as tx:
            claimed = await claims.claim_mail(tx, self._runtime.now(), free)
            if not claimed:
                return []
            mails = [delivery for delivery, _ in claimed]
            readers = await claims.recipients(tx, mails)
            digests = [mail.delivery_id for mail in mails if mail.template.startswith(DIGEST)]
            carried = await claims.contents(tx, digests) if digests else {}
        keys = await self._fetched({one.sealed.key_id for one in readers if one.sealed})
        due = [
            _Mail(delivery, notice, reader, carried.get(delivery.delivery_id, []))
            for (delivery, notice), reader in zip(claimed, readers, strict=True)
        ]
        return [(mail.delivery, self._attempt(mail, keys)) for mail in due]

    async def settled(self, outcomes: Mapping[str, Outcome]) -> None:
        """Nothing else follows."""

    async def close(self) -> None:
        """Disconnect from the mail server and the control plane."""
        await self._connections.close()
        await self._keys.close()

    async def _fetched(self, key_ids: set[str]) -> Keys:
        try:
            return await self._keys.keys(key_ids)
        except KeysUnavailable:
            return None

    async def _attempt(self, mail: _Mail, keys: Keys) -> Outcome:
        now = self._runtime.now()
        contact = _contact(mail, keys, now)
        if isinstance(contact, Outcome):
            return contact
        language = language_of(*mail.reader.languages)
        with self._runtime.telemetry.span(
            "send mail", parent=mail.notice.traceparent, delivery_id=mail.delivery.delivery_id
        ):
            try:
                await self._send(mail, contact, language)
            except Unsure as error:
                return Outcome(MessageState.UNKNOWN, f"no answer: {error}", language=language)
            except Refused as error:
                return _refused(mail.delivery, error, self._runtime.now())
        return Outcome(MessageState.SENT, language=language)

    async def _send(self, mail: _Mail, contact: Mapping[str, str], language: str) -> None:
        recipient = _recipient(contact)
        unsubscribe = self._unsubscribe_url(mail.delivery)
        reader = letters.Reader(
            language=language,
            zone=mail.reader.zone,
            name=contact.get("name", ""),
            unsubscribe_url=unsubscribe,
        )
        envelope = Envelope(
            message_id=f"<{mail.delivery.delivery_id}@{self._sender.domain}>",
            sender=self._sender,
            recipient=recipient,
            unsubscribe_url=unsubscribe,
        )
        message = composed(self._letter(mail, reader), envelope)
        await self._connections.send(message, self._sender.addr_spec, recipient.addr_spec)

    def _letter(self, mail: _Mail, reader: letters.Reader) -> letters.Letter:
        if mail.delivery.template == LOGIN:
            login = LoginRequested.model_validate(mail.notice.body)
            secret = self._runtime.settings.login_secret.get_secret_value()
            signature = tokens.login_signature(secret, login.login_id)
            url = f"{self._hub}/login/{login.login_id}.{signature}"
            return letters.login_letter(url, login.expires_at, reader)
        if mail.delivery.template.startswith(DIGEST):
            return letters.digest_letter([self._told(one) for _, one in mail.carried], reader)
        return letters.reward_letter(self._told(mail.notice), reader)

    def _told(self, notice: Notice) -> letters.Told:
        reward = RewardChanged.model_validate(notice.body)
        url = f"{self._hub}/conversions/{reward.conversion_id}"
        return letters.Told(notice.event_type, reward, url)

    def _unsubscribe_url(self, delivery: Delivery) -> str | None:
        if delivery.template == LOGIN:
            return None
        settings = self._runtime.settings
        token = tokens.unsubscribe_token(settings.master_key.get_secret_value(), delivery.subject)
        return f"{settings.own_url}/unsubscribe/{token}"


def _contact(mail: _Mail, keys: Keys, now: datetime) -> Mapping[str, str] | Outcome:
    """The opened contact, or why there is none."""
    sealed = mail.reader.sealed
    if ended := _ended(mail, now):
        return _without_try(ended)
    if sealed is None:
        retry_at = contact_retry_at(mail.delivery.created_at, now)
        return Outcome(MessageState.DUE, "no_contact", retry_at, tried=False)
    if keys is None:
        return Outcome(MessageState.DUE, "keys_unavailable", keys_retry_at(now), tried=False)
    try:
        return open_with(keys[sealed.key_id], sealed)
    except KeyError:  # a contact whose key is gone is forgotten
        return _without_try("forgotten")
    except CannotOpen:
        return _without_try("contact_unreadable")


def _ended(mail: _Mail, now: datetime) -> str:
    """Why this mail is not sent any more; empty if it is."""
    delivery, reader = mail.delivery, mail.reader
    if delivery.template != LOGIN and reader.preference is Preference.NONE:
        return "unsubscribed"
    if reader.forgotten:
        return "forgotten"
    if now >= delivery.expires_at:
        return delivery.reason or ("expired" if reader.sealed else "no_contact")
    return ""


def _without_try(reason: str) -> Outcome:
    return Outcome(MessageState.FAILED, reason, tried=False)


def _refused(delivery: Delivery, error: Refused, now: datetime) -> Outcome:
    if not error.passing:
        return Outcome(MessageState.FAILED, error.reason)
    retry_at = mail_retry_at(delivery.delivery_id, delivery.attempts + 1, now)
    return Outcome(MessageState.DUE, error.reason, retry_at)


def _recipient(contact: Mapping[str, str]) -> Address:
    try:
        return _address(contact.get("name", ""), contact.get("email", ""))
    except (ValueError, HeaderParseError, IndexError):
        raise Refused("the contact's address is not one", passing=False) from None


def _address(name: str, address: str) -> Address:
    """Raises ValueError or HeaderParseError for what is no address."""
    local, _, domain = address.strip().rpartition("@")
    if not local or not domain:
        raise ValueError("not an address")
    shown = " ".join("".join(c for c in name if c.isprintable()).split())
    return Address(shown, local, domain.encode("idna").decode())
