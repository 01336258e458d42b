"""What belongs to one install: its random secrets and the API keys that it was given, mode 0600."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from secrets import token_urlsafe

from shared_schemas.keys import KeyKind, new_api_key
from shared_schemas.sealed import new_subject_key

from ..errors import BrokenState, NoInstall

SECRETS_FILE = "secrets.json"
KEYS_FILE = "keys.json"
_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """Each field is the setting `GOODWORD_<FIELD>` of the services that need it."""

    admin_key: str
    operator_token: str
    key_pepper: str
    match_key: str
    master_key: str
    contact_token: str
    token_secret: str
    login_secret: str
    payout_secret: str

    @classmethod
    def random(cls) -> "Secrets":
        """Fresh ones. The master key is 32 bytes in base64; the others are text."""
        drawn = {field.name: token_urlsafe(_RANDOM_BYTES) for field in fields(cls)}
        drawn["admin_key"] = new_api_key(KeyKind.ADMIN)
        drawn["master_key"] = new_subject_key()
        drawn["payout_secret"] = f"whsec_{new_subject_key()}"
        return cls(**drawn)

    def environment(self, names: Iterable[str]) -> dict[str, str]:
        """The variables of these fields."""
        return {f"GOODWORD_{name.upper()}": str(getattr(self, name)) for name in names}


SECRET_FIELDS = tuple(field.name for field in fields(Secrets))


def load_secrets(state: Path) -> Secrets:
    """The secrets of this install, drawn at its first use. Raises BrokenState.

    A field that an older install lacks is drawn now and kept.
    """
    path = state / SECRETS_FILE
    stored = read_private(path)
    kept = {name: stored[name] for name in SECRET_FIELDS if name in stored}
    secrets = Secrets(**(asdict(Secrets.random()) | kept))
    if asdict(secrets) != stored:
        write_private(path, asdict(secrets))
    return secrets


def match_key(state: Path) -> str:
    """The key under which addresses are hashed: the environment's, else this install's.

    Raises NoInstall rather than draw one under which nothing would ever match.
    """
    named = os.environ.get("GOODWORD_MATCH_KEY")
    if named:
        return named
    if not (state / SECRETS_FILE).exists():
        raise NoInstall(state)
    return load_secrets(state).match_key


def load_keys(state: Path) -> dict[str, str]:
    """The raw API keys that `goodword apply` was given, by key id. Raises BrokenState."""
    return read_private(state / KEYS_FILE)


def keep_keys(state: Path, keys: Mapping[str, str]) -> None:
    """Add raw keys to those kept; a key's rotation replaces it."""
    if keys:
        write_private(state / KEYS_FILE, load_keys(state) | dict(keys))


def read_private(path: Path) -> dict[str, str]:
    """A JSON object of texts; empty when there is no file. Raises BrokenState."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise BrokenState(path) from None
    if not isinstance(stored, dict):
        raise BrokenState(path)
    return {str(name): str(value) for name, value in stored.items()}


def write_private(path: Path, content: Mapping[str, object]) -> None:
    """Replace a JSON file atomically; nobody but its owner ever can read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, sort_keys=True)
        file.write("\n")
    new.replace(path)
