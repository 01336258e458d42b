"""A service's log line, read: JSON as the kit writes it, or whatever else a process says."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

_UNSHOWN = frozenset(
    ("at", "level", "event", "logger", "service", "trace_id", "span_id", "exception")
)
_KAFKA_CLIENTS = ("aiokafka", "kafka", "faststream")
_LIBRARIES = (*_KAFKA_CLIENTS, "granian", "asyncio", "httpx")
_CHATTER = frozenset(("debug", "info"))
_TAIL_LINES = 12
_TAIL_CHARACTERS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """What a line says, without what every line has."""

    event: str
    at: str = ""  # hours, minutes, seconds
    level: str = ""
    logger: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    exception: str = ""  # the last line of the traceback

    @property
    def is_chatter(self) -> bool:
        """Whether a library says it while nothing is wrong.

        Kafka's clients also warn of all that they heal themselves; what they cannot heal is told
        by the service.
        """
        quiet = self.level in _CHATTER and self.logger.startswith(_LIBRARIES)
        return quiet or self.logger.startswith(_KAFKA_CLIENTS)

    def __str__(self) -> str:
        words = (self.at, self.level, self.event, *map("=".join, self.fields.items()))
        line = " ".join(word for word in words if word)
        return f"{line}: {self.exception}" if self.exception else line


def read_line(line: str) -> LogLine:
    """A line read; one that is not the kit's JSON is all event."""
    try:
        fields = json.loads(line)
        at, level, event = fields["at"], fields["level"], fields["event"]
    except (ValueError, TypeError, KeyError):
        return LogLine(event=line)
    last = str(fields.get("exception") or "").strip().splitlines()[-1:]
    return LogLine(
        event=str(event),
        at=str(at)[11:19],
        level=str(level),
        logger=str(fields.get("logger", "")),
        fields={name: str(value) for name, value in fields.items() if name not in _UNSHOWN},
        exception=last[0] if last else "",
    )


def tail(text: str) -> str:
    """The end of a log in short, for an error message."""
    lines = [read_line(line) for line in text.splitlines() if line.strip()]
    told = [str(line)[:_TAIL_CHARACTERS] for line in lines if not line.is_chatter]
    return "\n".join(f"  {line}" for line in told[-_TAIL_LINES:])
