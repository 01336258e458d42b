"""Spans: what of an export is kept, how it is drawn, and which edges a trace lacks."""

import gzip
from datetime import UTC, datetime, timedelta

import pytest
from hub.api.otlp import MAX_INFLATED_BYTES, MAX_NAME_CHARACTERS, MAX_SPANS, read
from hub.domain.spans import Span, expected_edges, missing_edges, waterfall
from hypothesis import given
from hypothesis import strategies as st
from litestar.exceptions import ClientException
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from shared_schemas.topics import TOPICS

START = datetime(2026, 11, 3, 10, tzinfo=UTC)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def span(name: str, parent: str | None = None, *, at: float = 0, seconds: float = 1) -> Span:
    """A span of a service called like the first word of its name."""
    began = START + timedelta(seconds=at)
    service = name.partition(" ")[0]
    return Span(TRACE, name, parent, service, name, "consumer", began, seconds, None, (), {})


def export(*spans: WireSpan, service: str = "rewards") -> bytes:
    """An export request of one service."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    attribute = resource.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", service
    resource.scope_spans.add().spans.extend(spans)
    return request.SerializeToString()


def wire_span(**changed: object) -> WireSpan:
    """A span that is as it should be, but for what is changed."""
    fields = {"trace_id": b"t" * 16, "span_id": b"s" * 8, "name": "a", **changed}
    return WireSpan(**fields)


def test_a_waterfall_has_parents_before_children_and_all_of_it_inside() -> None:
    spans = [span("c", "b", at=2), span("b", "a", at=1), span("a", seconds=4), span("d", "a", at=3)]
    bars = waterfall(spans)
    assert [(bar.span.name, bar.depth) for bar in bars] == [("a", 0), ("b", 1), ("c", 2), ("d", 1)]
    assert (bars[0].left, bars[0].width) == (0, 1000)
    assert (bars[3].left, bars[3].width) == (750, 250)


def test_a_span_without_its_parent_is_drawn_as_a_root() -> None:
    assert [bar.depth for bar in waterfall([span("a", "lost"), span("b", "a", at=1)])] == [0, 1]


def test_nothing_is_drawn_of_nothing() -> None:
    assert waterfall([]) == []


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=30))
def test_every_bar_is_visible_and_inside(times: list[tuple[float, float]]) -> None:
    bars = waterfall([span(f"s{n}", at=at, seconds=s) for n, (at, s) in enumerate(times)])
    assert len(bars) == len(times)
    assert all(bar.width > 0 and bar.left >= 0 and bar.left + bar.width <= 1000 for bar in bars)


def test_an_event_leaves_an_edge_to_everybody_who_hears_it_in_each_trace() -> None:
    edges = expected_edges([("credit.cleared.v1", "t1"), ("credit.cleared.v1", "t2")], TOPICS)
    assert {(edge.hearer, edge.trace_id) for edge in edges} == {
        (hearer, trace) for hearer in ("rewards", "hub") for trace in ("t1", "t2")
    }
    assert {str(edge) for edge in edges} == {
        "fraud -credit.cleared.v1-> hub",
        "fraud -credit.cleared.v1-> rewards",
    }


def test_an_edge_is_missing_until_it_was_handled_in_the_same_trace() -> None:
    edges = expected_edges([("credit.cleared.v1", TRACE), ("credit.cleared.v1", "other")], TOPICS)
    spans = [span("rewards credit.cleared.v1"), span("hub credit.cleared.v1")]
    assert {edge.trace_id for edge in missing_edges(edges, spans)} == {"other"}


def test_only_allowed_attributes_of_a_span_are_kept() -> None:
    wire = wire_span(name="GET\x00 /", kind=3)
    for key in ("http.route", "db.statement", "url.full"):
        attribute = wire.attributes.add()
        attribute.key, attribute.value.string_value = key, "ada@example.com"[3:]
    wire.status.code, wire.status.message = 2, "no mailbox for ada@example.com"
    [kept] = read(export(wire), "")
    assert (kept.name, kept.kind, kept.failed) == ("GET /", "client", "error")
    assert list(kept.attributes) == ["http.route"]


def test_the_class_of_an_error_is_kept() -> None:
    wire = wire_span()
    wire.status.code, wire.status.message = 2, "asyncpg.DeadlockDetectedError"
    assert read(export(wire), "")[0].failed == "asyncpg.DeadlockDetectedError"


def test_what_is_no_proper_span_is_left_out_and_harms_nothing() -> None:
    odd = [wire_span(trace_id=b"short"), wire_span(span_id=b""), wire_span(kind=77)]
    odd += [wire_span(start_time_unix_nano=2**63, end_time_unix_nano=1)]
    kept = read(export(*odd, service="x" * 5_000), "")
    assert [(one.kind, one.seconds) for one in kept] == [("unspecified", 0), ("unspecified", 0)]
    assert len(kept[0].service) == MAX_NAME_CHARACTERS


def test_an_export_may_be_zipped() -> None:
    assert len(read(gzip.compress(export(wire_span())), "gzip")) == 1


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(b"\0" * (MAX_INFLATED_BYTES + 1)), "gzip", 413),
        (gzip.compress(b"\0" * 1_000)[:20], "gzip", 400),
        (b"not zipped", "gzip", 400),
        (b"{}", "", 400),
        (export(*[wire_span()] * (MAX_SPANS + 1)), "", 413),
    ],
    ids=["bomb", "cut off", "not zipped", "json", "too many"],
)
def test_what_is_no_export_or_too_large_is_refused(body: bytes, encoding: str, status: int) -> None:
    with pytest.raises(ClientException) as refused:
        read(body, encoding)
    assert refused.value.status_code == status
