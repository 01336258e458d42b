"""From the bytes of a request to messages: bounded inflation, strict JSON, a hash of the meaning.

JSON is read by msgspec, which is fast but silent about repeated names and, in a batch, stops at the
first bad message. What it refuses, or what may repeat a name, is read again by the standard
library, so that one bad message does not cost its neighbours.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Final

from msgspec import MsgspecError, Raw
from msgspec.json import Decoder, Encoder

from .fields import Fields
from .outcome import Refused, TooLarge

MAX_EVENT_BYTES: Final = 32 * 1024
MAX_BATCH_BYTES: Final = 500 * 1024
MAX_BATCH_MESSAGES: Final = 2_500
MAX_LEVELS: Final = 64

_GZIP = b"\x1f\x8b"
_TRANSPORT = (
    "sentAt",
    "sent_at",
    "receivedAt",
    "writeKey",
    "integrations",
    "_metadata",
    "version",
    "channel",
)
_message = Decoder(dict[str, object], float_hook=Decimal).decode
_parts = Decoder(dict[str, Raw]).decode
_list = Decoder(list[Raw]).decode
_value = Decoder(object, float_hook=Decimal).decode
_canonical = Encoder(order="sorted", decimal_format="number").encode
_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it came: its messages unread, and what stands beside them."""

    messages: Sequence[object]
    beside: Fields


def inflated(body: bytes, most: int) -> bytes:
    """The body, inflated if it is gzip, whatever its headers claim. Raises Refused, TooLarge."""
    if not body.startswith(_GZIP):
        if len(body) > most:
            raise TooLarge("too_large", f"the body has more than {most} bytes")
        return body
    inflating = zlib.decompressobj(wbits=31)
    try:
        plain = inflating.decompress(body, most + 1)
    except zlib.error:
        raise Refused("bad_gzip", "the body is not valid gzip") from None
    if len(plain) > most:
        raise TooLarge("too_large", f"the body inflates to more than {most} bytes")
    if not inflating.eof or inflating.unused_data:
        raise Refused("bad_gzip", "the gzip stream is cut short, or something follows it")
    return plain


def read_message(part: object) -> dict[str, object]:
    """One message. Raises Refused for what is not a JSON object with each name once."""
    if isinstance(part, Refused):
        raise part
    if isinstance(part, dict):
        return part
    data = bytes(part) if isinstance(part, bytes | Raw) else b""
    if len(data) > MAX_EVENT_BYTES:
        raise _too_large()
    try:
        message = _message(data)
        if _as_many_names(message, data):
            return _shallow(message) if _may_be_deep(data) else message
    except (*_UNREADABLE, OverflowError):
        pass
    return _unrepeated(_object(_slowly(data)))


def read_batch(data: bytes) -> Batch:
    """A batch: an object with a list `batch`. Raises Refused when it cannot be read at all."""
    if len(data) > MAX_BATCH_BYTES:
        raise TooLarge("too_large", f"a batch has at most {MAX_BATCH_BYTES} bytes")
    try:
        parts = _parts(data)
        messages = _list(parts.pop("batch", b""))
        if _nothing_hidden(data, parts, messages):
            beside = {name: _value(raw) for name, raw in parts.items()}
            return _batch(messages, _shallow(beside) if _may_be_deep(data) else beside)
    except _UNREADABLE:
        pass
    whole = _object(_slowly(data))
    if isinstance(whole, _Repeated):
        raise _repeated()
    messages_read = whole.pop("batch", None)
    if not isinstance(messages_read, list):
        raise Refused("malformed", "the body has no list named batch")
    return _batch([_checked(message) for message in messages_read], _shallow(whole))


def body_hash(message: Fields, kind: str) -> str:
    """SHA-256 of what a message means: canonical JSON without what a client renews on a retry."""
    meaning = {name: value for name, value in message.items() if name not in _TRANSPORT}
    meaning["type"] = kind
    context = meaning.get("context")
    if isinstance(context, dict) and "library" in context:
        meaning["context"] = {k: v for k, v in context.items() if k != "library"}
    try:
        return sha256(_canonical(meaning)).hexdigest()
    except (UnicodeEncodeError, OverflowError, RecursionError):
        raise Refused("malformed", "the message holds what no JSON reader can agree on") from None


def _batch(messages: Sequence[object], beside: Fields) -> Batch:
    if len(messages) > MAX_BATCH_MESSAGES:
        raise TooLarge("too_large", f"a batch has at most {MAX_BATCH_MESSAGES} messages")
    return Batch(messages, beside)


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Refused("malformed", "not a JSON object")
    return value


def _checked(message: object) -> object:
    """A message that was read with its batch, or why it is refused."""
    try:
        whole = _unrepeated(_object(message))
        if len(json.dumps(whole, default=str)) > MAX_EVENT_BYTES:
            raise _too_large()
        return whole
    except Refused as refused:
        return refused


def _nothing_hidden(data: bytes, parts: Mapping[str, Raw], messages: Sequence[Raw]) -> bool:
    """Whether the colons of the whole are those of its parts: if not, a name was repeated."""
    inside = b"".join(map(bytes, (*parts.values(), *messages))).count(b":")
    names = 1 + len(parts) + sum(name.count(":") for name in parts)
    return data.count(b":") == inside + names


def _as_many_names(message: Mapping[str, object], data: bytes) -> bool:
    """Whether the message still has every colon of its text: if not, a name was repeated.

    A colon that was escaped in the text could make up for a lost one, so that is no proof.
    """
    kept = _canonical(message).count(b":")
    return kept == data.count(b":") and b"\\u003a" not in data and b"\\u003A" not in data


def _slowly(data: bytes) -> object:
    try:
        return json.loads(
            data.decode(),
            parse_float=Decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_each_name_once,
        )
    except (ValueError, RecursionError, InvalidOperation):
        raise Refused("malformed", "the body is not valid JSON in UTF-8") from None


class _Repeated(dict[str, object]):
    """A JSON object in which a name stands twice."""


def _each_name_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repeated(found)


def _unrepeated(message: dict[str, object]) -> dict[str, object]:
    if any(isinstance(value, _Repeated) for level in _levels(message) for value in level):
        raise _repeated()
    return message


def _may_be_deep(data: bytes) -> bool:
    return data.count(b"[") + data.count(b"{") > MAX_LEVELS


def _shallow(message: dict[str, object]) -> dict[str, object]:
    for _ in _levels(message):
        pass
    return message


def _levels(message: dict[str, object]) -> Iterator[list[object]]:
    """The values of a message, level by level. Raises Refused when there are too many levels."""
    level: list[object] = [message]
    for _ in range(MAX_LEVELS):
        yield level
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise Refused("malformed", f"the body is nested deeper than {MAX_LEVELS} levels")


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_large() -> TooLarge:
    return TooLarge("too_large", f"a message has at most {MAX_EVENT_BYTES} bytes")


def _repeated() -> Refused:
    return Refused("repeated_name", "a name stands twice in one JSON object")


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
