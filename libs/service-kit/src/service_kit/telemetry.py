"""Traces, kept cheap: a trace is its W3C `traceparent`, and an unsampled one costs nothing.

Sampling is decided once, where a trace begins. Everything after it follows the flag in the
traceparent, through Kafka, the outbox and due rows.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from random import getrandbits
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from .redaction import redact

Attributes = Mapping[str, object]

_LENGTH: Final = 55
_SAMPLED_FLAGS: Final = frozenset("13579bdf")  # the lowest bit of the last digit
_MAX_LINKS: Final = 128
_SHUTDOWN_SECONDS: Final = 5
_current: ContextVar[str | None] = ContextVar("goodword_traceparent", default=None)
_NO_SPAN: Final = NonRecordingSpan(SpanContext(0, 0, is_remote=False))


def current_traceparent() -> str | None:
    """The traceparent of the innermost `span` around the caller."""
    return _current.get()


def is_sampled(traceparent: str | None) -> bool:
    """Whether this trace is recorded. False for None and for what is no traceparent."""
    return (
        traceparent is not None
        and len(traceparent) == _LENGTH
        and traceparent[-1] in _SAMPLED_FLAGS
    )


def traceparent_of(span: Span) -> str:
    """The header value under which others continue this span."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


class Telemetry:
    """One service's tracer. Without an endpoint or processor, spans are made but go nowhere."""

    def __init__(
        self,
        service: str,
        *,
        instance: str = "0",
        ratio: float = 1.0,
        endpoint: str | None = None,
        processor: SpanProcessor | None = None,
    ) -> None:
        self._bound = TraceIdRatioBased.get_bound_for_rate(ratio)
        self._ids = _GivenTraceId()
        self._provider = TracerProvider(
            sampler=ParentBased(ALWAYS_ON),  # a root starts only when `begin` or a link decided so
            id_generator=self._ids,
            resource=Resource({"service.name": service, "service.instance.id": instance}),
            shutdown_on_exit=False,
        )
        if processor is None and endpoint is not None:
            exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
            processor = BatchSpanProcessor(exporter)
        if processor is not None:
            self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("service_kit")

    def begin(self, name: str, *, kind: SpanKind = SpanKind.SERVER) -> tuple[Span | None, str]:
        """Begin a trace at the edge: its span, if the ratio takes it, and its traceparent."""
        drawn = getrandbits(192)
        trace_id, span_id = drawn >> 64 or 1, drawn & 0xFFFF_FFFF_FFFF_FFFF or 1
        if trace_id & TraceIdRatioBased.TRACE_ID_LIMIT >= self._bound:
            return None, f"00-{trace_id:032x}-{span_id:016x}-00"
        self._ids.given = trace_id
        span = self._tracer.start_span(name, Context(), kind)
        return span, traceparent_of(span)

    def adopt(self, source: str, event_id: str) -> str:
        """The traceparent of an event that came from outside without one.

        It follows from the event's identity, so that all who hear it, also again, are in one trace.
        """
        digest = sha256(f"{source}\x1f{event_id}".encode()).hexdigest()
        trace_id = int(digest[:32], 16) or 1
        taken = trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < self._bound
        return f"00-{trace_id:032x}-{digest[32:48]}-{int(taken):02x}"

    def start(
        self,
        name: str,
        *,
        parent: str | None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes | None = None,
        start_nanoseconds: int | None = None,
    ) -> Span | None:
        """A child of `parent`, to be ended by the caller; None, at once, if that is not sampled."""
        if not is_sampled(parent):
            return None
        context = _remote(parent)
        if context is None:
            return None
        return self._tracer.start_span(
            name,
            set_span_in_context(NonRecordingSpan(context), Context()),
            kind,
            attributes=_redacted(attributes),
            start_time=start_nanoseconds,
        )

    def start_linked(
        self, name: str, links: Sequence[str | None], *, kind: SpanKind = SpanKind.CONSUMER
    ) -> Span | None:
        """The first span of a new trace that follows from others: a batch, a due row.

        None unless one of `links` is sampled.
        """
        contexts = [context for context in map(_remote, filter(is_sampled, links)) if context]
        if not contexts:
            return None
        return self._tracer.start_span(
            name, Context(), kind, links=[Link(context) for context in contexts[:_MAX_LINKS]]
        )

    def record(
        self,
        name: str,
        *,
        parent: str | None,
        kind: SpanKind = SpanKind.INTERNAL,
        nanoseconds: tuple[int, int],
        attributes: Attributes | None = None,
    ) -> None:
        """Add a span that is already over, from (start, end), in nanoseconds since 1970."""
        start, end = nanoseconds
        span = self.start(
            name, parent=parent, kind=kind, attributes=attributes, start_nanoseconds=start
        )
        if span is not None:
            span.end(end)

    @contextmanager
    def span(
        self,
        name: str,
        *,
        parent: str | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        **attributes: object,
    ) -> Iterator[Span]:
        """A span around a block, child of `parent` or else of the span around the caller.

        An error that leaves the block marks the span with its class; its text may hold personal
        data and stays out. Unsampled, the span yielded ignores everything.
        """
        parent = parent or _current.get()
        span = self.start(name, parent=parent, kind=kind, attributes=attributes)
        with inside(traceparent_of(span) if span else parent):
            try:
                yield span or _NO_SPAN
            except BaseException as error:
                fail(span, error)
                raise
            finally:
                if span is not None:
                    span.end()

    async def close(self) -> None:
        """Send what is still held, for a few seconds at most."""
        closing = asyncio.to_thread(self._provider.shutdown)
        try:
            await asyncio.wait_for(closing, _SHUTDOWN_SECONDS)
        except TimeoutError:
            return


@contextmanager
def inside(traceparent: str | None) -> Iterator[None]:
    """Make `traceparent` the current one within the block: for logs, emissions, child spans."""
    token = _current.set(traceparent)
    try:
        yield
    finally:
        _current.reset(token)


def fail(span: Span | None, error: BaseException) -> None:
    """Mark a span as failed, by the error's class alone."""
    if span is not None:
        span.set_attribute("error.type", type(error).__qualname__)
        span.set_status(Status(StatusCode.ERROR, type(error).__qualname__))


class _GivenTraceId(RandomIdGenerator):
    """Lets `begin` choose a trace's id, because the id is what decides about sampling."""

    given: int | None = None

    def generate_trace_id(self) -> int:
        given, self.given = self.given, None
        return given or super().generate_trace_id()


def _remote(traceparent: str | None) -> SpanContext | None:
    if traceparent is None:
        return None
    try:
        trace_id, span_id = int(traceparent[3:35], 16), int(traceparent[36:52], 16)
    except ValueError:
        return None
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(1))
    return context if context.is_valid else None


def _redacted(attributes: Attributes | None) -> dict[str, str | bool | int | float]:
    return {
        name: shown if isinstance(shown, str | bool | int | float) else str(shown)
        for name, value in (attributes or {}).items()
        if (shown := redact(value, name=name)) is not None
    }
