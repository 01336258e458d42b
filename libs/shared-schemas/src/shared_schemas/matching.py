"""How two systems recognise the same person without exchanging an address."""

import hmac
import unicodedata
from hashlib import sha256

MAX_EMAIL_CHARACTERS = 254  # RFC 5321, 4.5.3.1.3
_DOTLESS = {"gmail.com", "googlemail.com"}
_PLUS_TAGS = _DOTLESS | {
    "outlook.com",
    "hotmail.com",
    "live.com",
    "icloud.com",
    "me.com",
    "fastmail.com",
    "proton.me",
    "protonmail.com",
    "pm.me",
}
_SAME_DOMAIN = {"googlemail.com": "gmail.com", "protonmail.com": "proton.me", "pm.me": "proton.me"}


class NotAnAddress(ValueError):
    """The text is not an e-mail address."""


def canonical_email(address: str) -> str:
    """The one spelling of a mailbox: case, dots and tags that its provider ignores are gone.

    Plus tags are cut only where the provider is known to ignore them. Raises NotAnAddress.
    """
    text = unicodedata.normalize("NFKC", address).strip().casefold()
    local, at, domain = text.rpartition("@")
    if not at or not local or "." not in domain or len(text) > MAX_EMAIL_CHARACTERS:
        raise NotAnAddress("not an e-mail address")
    if any(character.isspace() or ord(character) < 32 for character in text):
        raise NotAnAddress("not an e-mail address")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise NotAnAddress("not an e-mail address") from None
    if domain in _PLUS_TAGS:
        local = local.partition("+")[0]
    if domain in _DOTLESS:
        local = local.replace(".", "")
    if not local:
        raise NotAnAddress("not an e-mail address")
    return f"{local}@{_SAME_DOMAIN.get(domain, domain)}"


def email_hash(match_key: str, address: str) -> str:
    """HMAC-SHA256 (RFC 2104) of the canonical address under the deployment's key, in hex."""
    return keyed_hash(match_key, "email", canonical_email(address))


def keyed_hash(match_key: str, kind: str, value: str) -> str:
    """HMAC-SHA256 of a value in a name space of its own, in hex. Raises ValueError without key."""
    if not match_key:
        raise ValueError("the deployment's match key is empty")
    return hmac.new(match_key.encode(), f"{kind}\x1f{value}".encode(), sha256).hexdigest()
