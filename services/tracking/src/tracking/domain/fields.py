"""Reads single fields of a message; whatever cannot be stored or believed is refused by name."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from shared_schemas.event import MAX_ID_CHARACTERS

from .outcome import Refused

Fields = Mapping[str, object]

_UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_ADDRESS = re.compile(r"[^@\s]@[^@\s]+\.[^@\s]")
_WRAPPING = "\"'`()[]{}<> "
_ZEROS = "0-."
_PLACEHOLDERS = frozenset(
    (
        "-1",
        "anonymous",
        "distinct_id",
        "distinctid",
        "email",
        "false",
        "guest",
        "id",
        "n/a",
        "nan",
        "nil",
        "none",
        "not set",
        "not_authenticated",
        "null",
        "object object",
        "true",
        "undefined",
        "unknown",
        "user_id",
        "userid",
    )
)
NOTHING: Fields = {}


def identifier(fields: Fields, name: str) -> str | None:
    """An id: text or a whole number; None when absent or empty.

    Raises Refused for placeholders ("undefined", "(null)", zeros), for e-mail addresses, which no
    event may carry, and for what is too long or cannot be stored.
    """
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is int:
        value = str(value) if abs(value) < 10**MAX_ID_CHARACTERS else None
    if type(value) is not str:
        raise Refused("invalid_id", f"{name} is neither text nor a whole number of bearable size")
    text = value.strip()
    if not text:
        return None
    if len(text) > MAX_ID_CHARACTERS:
        raise Refused("invalid_id", f"{name} has more than {MAX_ID_CHARACTERS} characters")
    if not text.isprintable() and _UNSTORABLE.search(text):
        raise Refused("invalid_id", f"{name} holds a control character or half a surrogate pair")
    if _is_placeholder(text):
        raise Refused("junk_id", f"{name} is the placeholder {text!r}, which names nobody")
    if "@" in text and _ADDRESS.search(text):
        raise Refused("address_as_id", f"{name} is an e-mail address, not an id; send it as such")
    return text


def _is_placeholder(text: str) -> bool:
    """Whether a program wrote this where it knew no id: a word, however wrapped, or only zeros."""
    bare = text.strip(_WRAPPING)
    return not bare.strip(_ZEROS) or bare.casefold() in _PLACEHOLDERS


def hint(fields: Fields, name: str) -> str | None:
    """An id that may simply be left out: None where `identifier` would refuse it."""
    try:
        return identifier(fields, name)
    except Refused:
        return None


def text_of(fields: Fields, name: str, most: int) -> str | None:
    """A text that may simply be left out: None when absent, empty, unstorable or too long."""
    value = fields.get(name)
    if type(value) is not str or len(value) > most or _UNSTORABLE.search(value):
        return None
    return value.strip() or None


def mapping(fields: Fields, name: str) -> Fields:
    """An object; empty when absent. Raises Refused for anything else."""
    value = fields.get(name)
    if value is None:
        return NOTHING
    if not isinstance(value, dict):
        raise Refused("invalid_field", f"{name} is not an object")
    return value


def part(fields: Fields, name: str) -> Fields:
    """An object of which only a hint is wanted: empty when absent or anything else."""
    value = fields.get(name)
    return value if isinstance(value, dict) else NOTHING


def instant(fields: Fields, name: str) -> datetime | None:
    """An ISO 8601 time in UTC, taken as UTC when it names no zone. Raises Refused."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(value) if type(value) is str else None
        if moment is not None:
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    raise Refused("invalid_time", f"{name} is not an ISO 8601 time")
