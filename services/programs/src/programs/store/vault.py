"""How keys lie at rest: encrypted under the deployment's master key, each bound to its id."""

from hashlib import blake2b

from nacl.exceptions import CryptoError
from nacl.secret import Aead


class WrongMasterKey(Exception):
    """The master key does not open what lies in the database: it is not the one of this install."""


class Vault:
    """Encrypts keys for the database (XChaCha20-Poly1305; the id is authenticated with it)."""

    def __init__(self, master_key: str) -> None:
        if not master_key:
            raise ValueError("the master key is empty")
        digest = blake2b(master_key.encode(), digest_size=Aead.KEY_SIZE, person=b"goodword-vault")
        self._box = Aead(digest.digest())

    def lock(self, key_id: str, key: str) -> bytes:
        """A key as it is stored."""
        return bytes(self._box.encrypt(key.encode(), key_id.encode()))

    def unlock(self, key_id: str, stored: bytes) -> str:
        """The key again. Raises WrongMasterKey, also for a row that was moved."""
        try:
            return self._box.decrypt(stored, key_id.encode()).decode()
        except CryptoError:
            raise WrongMasterKey(f"the master key does not open {key_id}") from None
