"""Personal data at rest and in flight: ciphertext under a key that can be destroyed."""

import base64
import json
from collections.abc import Mapping

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.secret import SecretBox
from nacl.utils import random
from pydantic import Field

from .event import Id, Value

MAX_PLAINTEXT_BYTES = 8_192


class CannotOpen(Exception):
    """The key does not open this ciphertext (wrong key, or tampered with)."""


class Sealed(Value):
    """A ciphertext (base64) and the id of the key that opens it."""

    key_id: Id
    ciphertext: str = Field(min_length=1, max_length=4 * MAX_PLAINTEXT_BYTES)


def new_key_pair() -> tuple[str, str]:
    """A day key: (private, public), base64."""
    private = PrivateKey.generate()
    return _text(bytes(private)), _text(bytes(private.public_key))


def new_subject_key() -> str:
    """A subject's own symmetric key, base64."""
    return _text(random(SecretBox.KEY_SIZE))


def seal_to_public(public_key: str, key_id: str, personal: Mapping[str, str]) -> Sealed:
    """Seal so that only the private key's holder can read (libsodium crypto_box_seal)."""
    box = SealedBox(PublicKey(_bytes(public_key)))
    return Sealed(key_id=key_id, ciphertext=_text(box.encrypt(_plaintext(personal))))


def open_with_private(private_key: str, sealed: Sealed) -> dict[str, str]:
    """Open what was sealed to the public key. Raises CannotOpen."""
    return _opened(SealedBox(PrivateKey(_bytes(private_key))), sealed)


def seal_with(subject_key: str, key_id: str, personal: Mapping[str, str]) -> Sealed:
    """Seal under a subject's own key (libsodium crypto_secretbox)."""
    ciphertext = SecretBox(_bytes(subject_key)).encrypt(_plaintext(personal))
    return Sealed(key_id=key_id, ciphertext=_text(bytes(ciphertext)))


def open_with(subject_key: str, sealed: Sealed) -> dict[str, str]:
    """Open what was sealed under a subject's key. Raises CannotOpen."""
    return _opened(SecretBox(_bytes(subject_key)), sealed)


def _plaintext(personal: Mapping[str, str]) -> bytes:
    plaintext = json.dumps(dict(personal), ensure_ascii=False).encode()
    if len(plaintext) > MAX_PLAINTEXT_BYTES:
        raise ValueError(f"personal data is limited to {MAX_PLAINTEXT_BYTES} bytes")
    return plaintext


def _opened(box: "SealedBox[PrivateKey] | SecretBox", sealed: Sealed) -> dict[str, str]:
    try:
        plaintext = box.decrypt(_bytes(sealed.ciphertext))
        return {str(name): str(value) for name, value in json.loads(plaintext).items()}
    except (CryptoError, ValueError, TypeError) as reason:
        raise CannotOpen(str(sealed.key_id)) from reason


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
