"""API keys: `gw_pk_…` publishable, `gw_sk_…` secret, `gw_ak_…` admin; kept as keyed hashes only."""

import secrets
from enum import StrEnum
from hashlib import sha256
from hmac import new as hmac

SECRET_BYTES = 24  # 192 bits


class KeyKind(StrEnum):
    """What a key may do: publishable ones travel in pages and are trusted with little."""

    PUBLISHABLE = "publishable"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    ADMIN = "admin"
    DAY = "day"  # a public key that personal data is sealed to, never an API key


_PREFIXES = {KeyKind.PUBLISHABLE: "gw_pk_", KeyKind.SECRET: "gw_sk_", KeyKind.ADMIN: "gw_ak_"}


def new_api_key(kind: KeyKind) -> str:
    """A fresh random key of a kind; it is shown once and never stored."""
    return _PREFIXES[kind] + secrets.token_urlsafe(SECRET_BYTES)


def api_key_hash(pepper: str, raw_key: str) -> str:
    """What is stored and looked up: HMAC-SHA256 under the deployment's pepper, in hex."""
    if not pepper:
        raise ValueError("the key pepper is empty")
    return hmac(pepper.encode(), raw_key.encode(), sha256).hexdigest()
