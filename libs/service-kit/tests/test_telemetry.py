"""Traces: sampling decided once, joined through traceparents, cheap and without personal data."""

import gzip
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from time import perf_counter
from typing import ClassVar

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from service_kit.telemetry import (
    Telemetry,
    current_traceparent,
    inside,
    is_sampled,
    traceparent_of,
)

TRACE, SPAN = "ab" * 16, "cd" * 8
SAMPLED = f"00-{TRACE}-{SPAN}-01"
UNSAMPLED = f"00-{TRACE}-{SPAN}-00"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """The spans that ended."""
    return InMemorySpanExporter()


@pytest.fixture
def telemetry(spans: InMemorySpanExporter) -> Telemetry:
    """A tracer that samples everything it begins."""
    return Telemetry("rewards", instance="3", processor=SimpleSpanProcessor(spans))


def test_a_child_joins_its_remote_parents_trace(
    telemetry: Telemetry, spans: InMemorySpanExporter
) -> None:
    span = telemetry.start("process", parent=SAMPLED, attributes={"event.type": "x.v1"})
    assert span is not None
    assert traceparent_of(span)[3:35] == TRACE
    assert is_sampled(traceparent_of(span))
    span.end()
    (ended,) = spans.get_finished_spans()
    assert ended.parent is not None
    assert f"{ended.parent.span_id:016x}" == SPAN
    assert dict(ended.attributes or {}) == {"event.type": "x.v1"}
    assert ended.resource.attributes["service.instance.id"] == "3"


@pytest.mark.parametrize("parent", [None, UNSAMPLED, "", "nonsense", f"00-{'z' * 32}-{SPAN}-01"])
def test_what_is_not_sampled_makes_no_span(telemetry: Telemetry, parent: str | None) -> None:
    assert telemetry.start("process", parent=parent) is None


def test_an_unsampled_event_costs_next_to_nothing(telemetry: Telemetry) -> None:
    started = perf_counter()
    for _ in range(10_000):
        telemetry.start("process", parent=UNSAMPLED)
    assert (perf_counter() - started) / 10_000 < 10e-6


@pytest.mark.parametrize(
    ("ratio", "least", "most"), [(0.0, 0, 0), (0.5, 130, 270), (1.0, 400, 400)]
)
def test_where_a_trace_begins_the_ratio_decides(ratio: float, least: int, most: int) -> None:
    telemetry = Telemetry("tracking", ratio=ratio)
    begun = [telemetry.begin("request") for _ in range(400)]
    assert least <= sum(span is not None for span, _ in begun) <= most
    assert all(is_sampled(traceparent) == (span is not None) for span, traceparent in begun)
    assert len({traceparent for _, traceparent in begun}) == 400


def test_an_event_from_outside_is_in_one_trace_for_all_who_hear_it() -> None:
    heard_by = [Telemetry(name, ratio=1.0) for name in ("attribution", "rewards")]
    assert len({telemetry.adopt("crm/sample", "crm-1") for telemetry in heard_by}) == 1
    adopted = [heard_by[0].adopt("crm/sample", f"crm-{n}") for n in range(400)]
    assert len(set(adopted)) == 400
    assert all(map(is_sampled, adopted))
    half = Telemetry("attribution", ratio=0.5)
    assert 130 < sum(is_sampled(half.adopt("crm/sample", f"crm-{n}")) for n in range(400)) < 270


def test_due_work_is_a_new_trace_linked_to_its_cause_and_sampled_like_it(
    telemetry: Telemetry, spans: InMemorySpanExporter
) -> None:
    assert telemetry.start_linked("hold ended", [UNSAMPLED, None]) is None
    span = telemetry.start_linked("hold ended", [UNSAMPLED, SAMPLED])
    assert span is not None
    span.end()
    (ended,) = spans.get_finished_spans()
    assert ended.parent is None
    assert [f"{link.context.trace_id:032x}" for link in ended.links] == [TRACE]
    assert traceparent_of(span)[3:35] != TRACE


def test_spans_nest_by_themselves(telemetry: Telemetry, spans: InMemorySpanExporter) -> None:
    with inside(SAMPLED), telemetry.span("send mail", channel="mail"):
        with telemetry.span("smtp"):
            assert current_traceparent() not in (None, SAMPLED)
        assert is_sampled(current_traceparent())
    inner, outer = spans.get_finished_spans()
    assert inner.parent is not None
    assert outer.context is not None
    assert inner.parent.span_id == outer.context.span_id
    assert current_traceparent() is None


def test_a_span_without_a_sampled_trace_around_it_is_harmless(
    telemetry: Telemetry, spans: InMemorySpanExporter
) -> None:
    with inside(UNSAMPLED), telemetry.span("send mail") as span:
        span.set_attribute("attempt", 1)
        assert current_traceparent() == UNSAMPLED
    assert not spans.get_finished_spans()


def test_a_finished_piece_of_work_is_recorded_with_its_times(
    telemetry: Telemetry, spans: InMemorySpanExporter
) -> None:
    telemetry.record("publish", parent=SAMPLED, nanoseconds=(1_000, 5_000))
    telemetry.record("publish", parent=UNSAMPLED, nanoseconds=(1_000, 5_000))
    (ended,) = spans.get_finished_spans()
    assert (ended.start_time, ended.end_time) == (1_000, 5_000)


def test_a_failure_shows_its_class_and_hides_its_text(
    telemetry: Telemetry, spans: InMemorySpanExporter
) -> None:
    with pytest.raises(ValueError, match="ada"), telemetry.span("mail", parent=SAMPLED):
        raise ValueError("no mailbox ada@example.com")
    (ended,) = spans.get_finished_spans()
    assert ended.status.status_code is StatusCode.ERROR
    assert "ValueError" in ended.to_json()
    assert "ada" not in ended.to_json()


def test_attributes_are_redacted(telemetry: Telemetry, spans: InMemorySpanExporter) -> None:
    with telemetry.span(
        "mail", parent=SAMPLED, to="ada@example.com", authorization="Bearer x", tries=2, none=None
    ):
        pass
    (ended,) = spans.get_finished_spans()
    assert dict(ended.attributes or {}) == {
        "to": "[address]",
        "authorization": "[redacted]",
        "tries": 2,
    }


async def test_closing_without_a_collector_does_not_hang() -> None:
    telemetry = Telemetry("rewards", endpoint="http://127.0.0.1:9")
    span, _ = telemetry.begin("request")
    assert span is not None
    span.end()
    started = perf_counter()
    await telemetry.close()
    assert perf_counter() - started < 8


class Collector(BaseHTTPRequestHandler):
    """An OTLP collector that keeps what it is sent."""

    received: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.received.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


async def test_spans_reach_an_otlp_collector() -> None:
    server = HTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    telemetry = Telemetry("rewards", endpoint=f"http://127.0.0.1:{server.server_port}/")
    with telemetry.span("approve", parent=SAMPLED):
        pass
    await telemetry.close()
    server.shutdown()
    ((path, body),) = Collector.received
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    (span,) = resource.scope_spans[0].spans
    assert path == "/v1/traces"
    assert (span.name, span.trace_id.hex()) == ("approve", TRACE)
    assert resource.resource.attributes[0].value.string_value == "rewards"
