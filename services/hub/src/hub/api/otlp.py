"""The sink for spans: OTLP over HTTP, protobuf. Only attributes named here are kept."""

import gzip
import hmac
import io
import ipaddress
import re
import zlib
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.message import DecodeError
from litestar import Request, Response, post
from litestar.exceptions import ClientException, NotAuthorizedException
from litestar.types import ControllerRouterHandler
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from service_kit.runtime import Runtime

from ..domain.spans import Span
from ..settings import Settings
from ..store import spans as store

MAX_INFLATED_BYTES: Final = 8_000_000
MAX_SPANS: Final = 10_000
MAX_NAME_CHARACTERS: Final = 200
_KEPT: Final = frozenset(
    (
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "messaging.system",
        "messaging.destination.name",
        "messaging.operation.type",
        "messaging.consumer.group.name",
        "messaging.batch.message_count",
        "error.type",
    )
)
_KINDS: Final = {
    number: name.removeprefix("SPAN_KIND_").lower() for name, number in WireSpan.SpanKind.items()
}
_FORWARDED: Final = frozenset(("forwarded", "x-forwarded-for", "x-real-ip", "via"))
_CLASS_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,99}")
_PROTOBUF: Final = "application/x-protobuf"


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """`POST /v1/traces`, for loopback and for whoever has the operator token."""
    token = f"Bearer {runtime.settings.operator_token.get_secret_value()}".encode()

    @post("/v1/traces", status_code=200, include_in_schema=False)
    async def traces(request: Request[Any, Any, Any]) -> Response[bytes]:
        _check_sender(request, token)
        encoding = request.headers.get("content-encoding", "").lower()
        exported = read(await request.body(), encoding)
        if exported:
            async with runtime.transaction() as tx:
                await store.save(tx, exported)
        answer = ExportTraceServiceResponse().SerializeToString()
        return Response(answer, media_type=_PROTOBUF)

    return [traces]


def read(body: bytes, encoding: str) -> list[Span]:
    """The spans of an export request. Raises ClientException for what is none."""
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(_inflated(body) if encoding == "gzip" else body)
    except (DecodeError, OSError, EOFError, zlib.error) as error:
        raise ClientException("This is no OTLP trace export in protobuf.") from error
    sent = [
        (span, _service(resource_spans.resource.attributes))
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]
    if len(sent) > MAX_SPANS:
        raise ClientException("The export has too many spans.", status_code=413)
    return [_span(span, service) for span, service in sent if _is_identified(span)]


def _inflated(body: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
        inflated = file.read(MAX_INFLATED_BYTES + 1)
    if len(inflated) > MAX_INFLATED_BYTES:
        raise ClientException("The export is too large.", status_code=413)
    return inflated


def _check_sender(request: Request[Any, Any, Any], token: bytes) -> None:
    given = request.headers.get("authorization", "").encode("latin-1", "replace")
    if hmac.compare_digest(given, token):
        return
    if not _is_local(request):
        raise NotAuthorizedException("Spans from elsewhere need the operator token.")


def _is_local(request: Request[Any, Any, Any]) -> bool:
    """Whether a process of this machine asks, for itself: a proxy asks for others."""
    if _FORWARDED & set(request.headers.keys()):
        return False
    try:
        return ipaddress.ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False


def _service(attributes: Any) -> str:
    named = (item.value.string_value for item in attributes if item.key == "service.name")
    return _short(next(named, "unknown"))


def _is_identified(span: WireSpan) -> bool:
    return len(span.trace_id) == 16 and len(span.span_id) == 8


def _span(span: WireSpan, service: str) -> Span:
    ended = max(span.end_time_unix_nano, span.start_time_unix_nano)
    failed = span.status.code == Status.STATUS_CODE_ERROR
    return Span(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex() or None,
        service,
        _short(span.name),
        _KINDS.get(span.kind, "unspecified"),
        datetime.fromtimestamp(span.start_time_unix_nano / 1e9, UTC),
        (ended - span.start_time_unix_nano) / 1e9,
        _class_of(span.status.message) if failed else None,
        tuple(link.trace_id.hex() for link in span.links if len(link.trace_id) == 16),
        {item.key: _value(item.value) for item in span.attributes if item.key in _KEPT},
    )


def _class_of(message: str) -> str:
    """The class of an error; the words of one may hold personal data and are not kept."""
    return message if _CLASS_NAME.fullmatch(message) else "error"


def _value(value: Any) -> str | int | bool:
    which = value.WhichOneof("value")
    if which in ("string_value", "int_value", "bool_value"):
        found: str | int | bool = getattr(value, which)
        return _short(found) if isinstance(found, str) else found
    return ""


def _short(text: str) -> str:
    return text.replace("\x00", "")[:MAX_NAME_CHARACTERS]
