"""CloudEvents 1.0, Kafka binary mode: an event's attributes travel as record headers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from .event import MAX_ID_CHARACTERS

Headers = list[tuple[str, bytes]]

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"
SCHEMA_PATH = "/schemas/{type}.json"
_REQUIRED = ("ce_id", "ce_type", "ce_source", "ce_time")


class BadEnvelope(ValueError):
    """A record's headers are not a CloudEvents 1.0 envelope; the message names the header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
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
        optional = (
            ("ce_subject", self.subject),
            ("ce_partitionkey", self.key),
            ("ce_correlationid", self.correlation_id),
            ("ce_causationid", self.causation_id),
            ("ce_bodyhash", self.body_hash),
            ("traceparent", self.traceparent),
        )
        headers = [
            ("ce_specversion", SPEC_VERSION),
            ("ce_id", self.event_id),
            ("ce_type", self.event_type),
            ("ce_source", self.source),
            ("ce_time", self.time.astimezone(UTC).isoformat().replace("+00:00", "Z")),
            ("ce_dataschema", SCHEMA_PATH.format(type=self.event_type)),
            ("content-type", CONTENT_TYPE),
            *((name, value) for name, value in optional if value is not None),
        ]
        return [(name, value.encode()) for name, value in headers]

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes | None]]) -> "Envelope":
        """Read an envelope back. Raises BadEnvelope for a missing or unreadable attribute."""
        found = _decoded(headers)
        for name in _REQUIRED:
            if not found.get(name):
                raise BadEnvelope(f"header {name} is missing")
        if len(found["ce_id"]) > MAX_ID_CHARACTERS or len(found["ce_source"]) > MAX_ID_CHARACTERS:
            raise BadEnvelope(f"ce_id and ce_source have at most {MAX_ID_CHARACTERS} characters")
        return cls(
            event_id=found["ce_id"],
            event_type=found["ce_type"],
            source=found["ce_source"],
            time=_instant(found["ce_time"]),
            key=found.get("ce_partitionkey"),
            subject=found.get("ce_subject"),
            correlation_id=found.get("ce_correlationid"),
            causation_id=found.get("ce_causationid"),
            traceparent=found.get("traceparent"),
            body_hash=found.get("ce_bodyhash"),
        )


def _decoded(headers: Iterable[tuple[str, bytes | None]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if value is None or not (name.startswith("ce_") or name == "traceparent"):
            continue
        try:
            text = value.decode()
        except UnicodeDecodeError:
            raise BadEnvelope(f"header {name} is not UTF-8") from None
        if "\x00" in text:
            raise BadEnvelope(f"header {name} holds a NUL character")
        found[name] = text
    return found


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
