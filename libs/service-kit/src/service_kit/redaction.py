"""What may not be read in a log, a span or an error: addresses, keys, credentials."""

import re
from collections.abc import Mapping

HIDDEN = "[redacted]"
_SECRET_NAMES = re.compile(
    r"authorization|cookie|passw|secret|token|api[_-]?key|credential|pepper", re.IGNORECASE
)
_LOCAL = r"[\w.!#$&'*+/=?^`{|}~-]"
_ADDRESS = re.compile(rf"(?<!{_LOCAL}){_LOCAL}+(?:@|%40)[\w-]+(?:\.[\w-]+)+")  # linear
_KEY = re.compile(r"gw_([a-z]{2,8})_[\w.-]+", re.IGNORECASE)
_CREDENTIAL = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s:/@]*):([^\s/@]+)@")
_ROW = re.compile(r"\bDETAIL:.*?(?=\nHINT:|\n\n(?:The above|During handling)|\Z)", re.DOTALL)
_MAX_DEPTH = 8


def redact_text(text: str) -> str:
    """`text` without e-mail addresses, Goodword keys, authorization values, URL passwords.

    Neither with PostgreSQL's details of an error, which repeat whole rows.
    """
    if "DETAIL:" in text:
        text = _ROW.sub(f"DETAIL: {HIDDEN}", text)
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", text)
    if "@" in text or "%40" in text:
        text = _ADDRESS.sub("[address]", text)
    text = _KEY.sub(rf"gw_\1_{HIDDEN}", text)
    return _CREDENTIAL.sub(rf"\1 {HIDDEN}", text)


def redact(value: object, *, name: str = "", depth: int = 0) -> object:
    """`value` with everything secret hidden, at any depth; `name` is the key it was found under."""
    if name and _SECRET_NAMES.search(name):
        return HIDDEN
    if depth > _MAX_DEPTH:
        return "[too deep]"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {
            redact_text(str(key)): redact(inner, name=str(key), depth=depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(inner, depth=depth + 1) for inner in value]
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return redact_text(str(value))
