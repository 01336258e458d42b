"""Links that prove themselves: the one-time login and the way out of mails."""

import base64
import binascii
import hmac
from hashlib import sha256

_SEPARATOR = "\x1f"
MAX_TOKEN_CHARACTERS = 1_200  # a subject of 200 characters of up to four bytes, and the MAC


def login_signature(secret: str, login_id: str) -> str:
    """HMAC-SHA256 (RFC 2104) of a login's id, in hex; the hub computes the same."""
    return _mac(secret, "login", login_id)


def unsubscribe_token(secret: str, subject: str) -> str:
    """A token that lets its bearer end mails to one subject, for ever."""
    named = base64.urlsafe_b64encode(subject.encode()).decode().rstrip("=")
    return f"{named}.{_mac(secret, 'unsubscribe', subject)}"


def unsubscribing(secret: str, token: str) -> str | None:
    """The subject of a token; None if it is not ours."""
    named, _, mac = token.partition(".")
    if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
        return None
    try:
        subject = base64.urlsafe_b64decode(named + "=" * (-len(named) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return subject if hmac.compare_digest(mac, _mac(secret, "unsubscribe", subject)) else None


def _mac(secret: str, purpose: str, value: str) -> str:
    return hmac.new(secret.encode(), f"{purpose}{_SEPARATOR}{value}".encode(), sha256).hexdigest()
