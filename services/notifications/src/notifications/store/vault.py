"""How webhook secrets lie at rest: encrypted under the deployment's master key."""

import base64
from hashlib import blake2b

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.utils import random

SECRET_PREFIX = "whsec_"  # noqa: S105 - what Standard Webhooks begins secrets with
_SECRET_BYTES = 32


class WrongMasterKey(Exception):
    """The master key does not open what lies in the database: it is not the one of this install."""


class Vault:
    """Encrypts signing secrets for the database (XSalsa20-Poly1305)."""

    def __init__(self, master_key: str) -> None:
        digest = blake2b(master_key.encode(), digest_size=SecretBox.KEY_SIZE, person=b"gw-webhooks")
        self._box = SecretBox(digest.digest())

    def lock(self, secret: str) -> bytes:
        """A secret as it is stored."""
        return bytes(self._box.encrypt(secret.encode()))

    def unlock(self, stored: bytes) -> str:
        """The secret again. Raises WrongMasterKey."""
        try:
            return self._box.decrypt(stored).decode()
        except CryptoError:
            raise WrongMasterKey("the master key does not open this webhook secret") from None


def new_secret() -> str:
    """A fresh signing secret, as Standard Webhooks writes it."""
    return SECRET_PREFIX + base64.b64encode(random(_SECRET_BYTES)).decode()
