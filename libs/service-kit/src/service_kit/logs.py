"""JSON log lines on standard output, with trace ids, without personal data or secrets.

The standard library's loggers (aiokafka, FastStream, Granian) come out in the same form.
"""

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Final, TextIO

import msgspec
import structlog

from .redaction import redact
from .settings import KitSettings
from .telemetry import current_traceparent

Line = MutableMapping[str, Any]

_FLOODING: Final = ("aiokafka", "kafka")
_FLOOD_SECONDS: Final = 30.0
_MAX_TEMPLATES: Final = 1_000
_WITH_OWN_HANDLERS: Final = ("faststream", "_granian")


def configure(settings: KitSettings, service_name: str, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (standard output) as JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        _named(service_name),
        add_trace,
        redact_line,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.addFilter(FloodFilter())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _as_json],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    logging.captureWarnings(True)
    for name in _WITH_OWN_HANDLERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def add_trace(_logger: Any, _method: str, line: Line) -> Line:
    """Name the trace and span that the line belongs to."""
    traceparent = current_traceparent()
    if traceparent is not None:
        line["trace_id"], line["span_id"] = traceparent[3:35], traceparent[36:52]
    return line


def redact_line(_logger: Any, _method: str, line: Line) -> Line:
    """Hide addresses, keys and credentials, in the message as in every field."""
    for name, value in line.items():
        if not name.startswith("_"):
            line[name] = redact(value, name=name)
    return line


class FloodFilter(logging.Filter):
    """Lets one line in thirty seconds through for each message of the noisy Kafka client, with
    the number of those held back. Everything else passes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._last_seen: dict[tuple[str, str], float] = {}
        self._held_back: dict[tuple[str, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if not record.name.startswith(_FLOODING) or record.levelno < logging.WARNING:
            return True
        template = (record.name, str(record.msg)[:80])
        now = self._clock()
        if now - self._last_seen.get(template, -_FLOOD_SECONDS) < _FLOOD_SECONDS:
            self._held_back[template] = self._held_back.get(template, 0) + 1
            return False
        if len(self._last_seen) > _MAX_TEMPLATES:
            self._last_seen.clear()
        self._last_seen[template] = now
        record.held_back = self._held_back.pop(template, 0)
        return True


def _named(service_name: str) -> structlog.typing.Processor:
    def add_service(_logger: Any, _method: str, line: Line) -> Line:
        line["service"] = service_name
        return line

    return add_service


def _as_json(_logger: Any, _method: str, line: Line) -> str:
    return msgspec.json.encode(line, enc_hook=str).decode()
