"""Watches every request: its place in a trace, its count, its time. Nothing personal is kept."""

import re
from time import perf_counter
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from opentelemetry.trace import Span, SpanKind

from .. import metrics
from ..telemetry import Telemetry, fail, inside, traceparent_of

_TRACEPARENT: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def observed(app: ASGIApp, telemetry: Telemetry) -> ASGIApp:
    """`app`, with a span around each sampled request and two metrics around each request.

    A caller's `traceparent` is continued; without one, sampling is decided here, once.
    """

    async def observe(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            return await app(scope, receive, send)
        status = 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        span, traceparent = _entered(scope, telemetry)
        started = perf_counter()
        try:
            with inside(traceparent):
                await app(scope, receive, note_status)
        except BaseException as error:
            fail(span, error)
            raise
        finally:
            _note(scope, span, status, perf_counter() - started)

    return observe


def _entered(scope: HTTPScope, telemetry: Telemetry) -> tuple[Span | None, str]:
    for name, value in scope["headers"]:
        if name == b"traceparent" and _TRACEPARENT.fullmatch(value):
            caller = value.decode()
            span = telemetry.start("request", parent=caller, kind=SpanKind.SERVER)
            return span, traceparent_of(span) if span else caller
    return telemetry.begin("request")


def _note(scope: HTTPScope, span: Span | None, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "other"
    route = scope.get("path_template") or "unmatched"
    metrics.http_requests(method, route, status).inc()
    metrics.http_seconds(route).observe(seconds)
    if span is not None:
        span.update_name(f"{method} {route}")
        span.set_attribute("http.request.method", method)
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        span.end()
