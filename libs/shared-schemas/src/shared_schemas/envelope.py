"""CloudEvents 1.0, Kafka binary mode: an event's attributes travel as record headers."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache

import msgspec

from .event import MAX_ID_CHARACTERS

Headers = list[tuple[str, bytes]]

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"
SCHEMA_PATH = "/schemas/{type}.json"
_REQUIRED = ("ce_id", "ce_type", "ce_source", "ce_time")
_OPTIONAL = (
    ("ce_subject", "subject"),
    ("ce_partitionkey", "key"),
    ("ce_correlationid", "correlation_id"),
    ("ce_causationid", "causation_id"),
    ("ce_bodyhash", "body_hash"),
    ("traceparent", "traceparent"),
)


class BadEnvelope(ValueError):
    """A record's headers are not a CloudEvents 1.0 envelope; the message names the header."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One event's attributes. (source, event_id) identifies it; `time` is its decision's now."""

    event_id: str
    event_type: str
    source: str
    time: datetime
    key: str | None = None
    subject: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    body_hash: str | None = None

    def to_headers(self) -> Headers:
        """The record headers; absent attributes are left out."""
        headers = [
            *_headers_of_type(self.event_type),
            ("ce_id", self.event_id.encode()),
            ("ce_source", self.source.encode()),
            ("ce_time", _rfc3339(self.time)),
        ]
        for name, attribute in _OPTIONAL:
            value = getattr(self, attribute)
            if value is not None:
                headers.append((name, value.encode()))
        return headers

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes | None]]) -> "Envelope":
        """Read an envelope back. Raises BadEnvelope for a missing or unreadable attribute."""
        found = dict(headers)
        required = [_text(name, found.get(name)) for name in _REQUIRED]
        event_id, event_type, source, time = required
        if not (event_id and event_type and source and time):
            missing = next(name for name, text in zip(_REQUIRED, required, strict=True) if not text)
            raise BadEnvelope(f"header {missing} is missing")
        if len(event_id) > MAX_ID_CHARACTERS or len(source) > MAX_ID_CHARACTERS:
            raise BadEnvelope(f"ce_id and ce_source have at most {MAX_ID_CHARACTERS} characters")
        optional = {attribute: _text(name, found.get(name)) for name, attribute in _OPTIONAL}
        return cls(
            event_id=event_id,
            event_type=event_type,
            source=source,
            time=_instant(time),
            **optional,
        )


@cache
def _headers_of_type(event_type: str) -> Headers:
    """What is the same for every event of a type; types come from a table, so they are few."""
    return [
        ("ce_specversion", SPEC_VERSION.encode()),
        ("ce_type", event_type.encode()),
        ("ce_dataschema", SCHEMA_PATH.format(type=event_type).encode()),
        ("content-type", CONTENT_TYPE.encode()),
    ]


def _text(name: str, value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise BadEnvelope(f"header {name} is not UTF-8") from None
    if "\x00" in text:
        raise BadEnvelope(f"header {name} holds a NUL character")
    return text


def _rfc3339(time: datetime) -> bytes:
    at = time if time.tzinfo is UTC else time.astimezone(UTC)
    return f"{at.isoformat().removesuffix('+00:00')}Z".encode()


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise BadEnvelope("header ce_time has no time zone")
        return moment.astimezone(UTC)
    except BadEnvelope:
        raise
    except (ValueError, OverflowError):  # the year 1 in Samoa is before the first of UTC
        raise BadEnvelope(f"header ce_time is not an RFC 3339 time: {text[:40]!r}") from None
