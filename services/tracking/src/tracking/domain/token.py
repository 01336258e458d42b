"""The signed link token: from it alone a click's touch can be rebuilt. It names no visitor.

Layout, base64url without padding: version (1 byte), key id (2), click in milliseconds since 1970
(6), expiry in seconds since 1970 (4), click id (16), code (UTF-8), first half of an HMAC-SHA256.
"""

import hmac
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from shared_schemas.event import MAX_ID_CHARACTERS

_VERSION = 1
_CONTEXT = b"goodword link token"
_CLICK_ID_BYTES = 16
_HEAD_BYTES = 1 + 2 + 6 + 4 + _CLICK_ID_BYTES
_SIGNATURE_BYTES = 16
_MAX_CHARACTERS = (_HEAD_BYTES + 4 * MAX_ID_CHARACTERS + _SIGNATURE_BYTES) * 4 // 3 + 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class TokenFault(StrEnum):
    """Why a token proves nothing."""

    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    TAMPERED = "tampered"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class LinkToken:
    """What a token says. `click_id` is 32 hexadecimal digits."""

    code: str
    click_id: str
    clicked_at: datetime
    expires_at: datetime


class TokenKeys:
    """The secrets that sign: the first signs, all of them verify."""

    def __init__(self, signing: str, *former: str) -> None:
        self._signing = signing.encode()
        self._by_id: Mapping[bytes, bytes] = {
            _key_id(secret): secret for secret in (*(old.encode() for old in former), self._signing)
        }

    def sign(self, token: LinkToken) -> str:
        """The token's text."""
        body = b"".join(
            (
                bytes((_VERSION,)),
                _key_id(self._signing),
                ((token.clicked_at - _EPOCH) // _MILLISECOND).to_bytes(6, "big"),
                int(token.expires_at.timestamp()).to_bytes(4, "big"),
                bytes.fromhex(token.click_id),
                token.code.encode(),
            )
        )
        return _text(body + _signature(self._signing, body))

    def verify(self, text: str, now: datetime) -> LinkToken | TokenFault:
        """What the text says, if one of the secrets signed it and it has not expired."""
        data = _bytes(text)
        if data is None or len(data) <= _HEAD_BYTES + _SIGNATURE_BYTES or data[0] != _VERSION:
            return TokenFault.MALFORMED
        secret = self._by_id.get(data[1:3])
        if secret is None:
            return TokenFault.UNKNOWN_KEY
        body, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, _signature(secret, body)):
            return TokenFault.TAMPERED
        token = _read(body)
        return token if now < token.expires_at else TokenFault.EXPIRED


def _read(body: bytes) -> LinkToken:
    return LinkToken(
        code=body[_HEAD_BYTES:].decode(),
        click_id=body[13:_HEAD_BYTES].hex(),
        clicked_at=_EPOCH + int.from_bytes(body[3:9], "big") * _MILLISECOND,
        expires_at=_EPOCH + timedelta(seconds=int.from_bytes(body[9:13], "big")),
    )


def _key_id(secret: bytes) -> bytes:
    return sha256(_CONTEXT + secret).digest()[:2]


def _signature(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, _CONTEXT + body, "sha256")[:_SIGNATURE_BYTES]


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes | None:
    if len(text) > _MAX_CHARACTERS:
        return None
    try:
        data = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return data if _text(data) == text else None  # one token, one spelling
