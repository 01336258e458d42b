"""Spans as the hub keeps them, drawn as a waterfall, and whether a conversion's trace is whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared_schemas.table import TopicTable

MAX_SPANS_SHOWN = 500
THINNEST = 4  # thousandths of the whole that the shortest span is drawn with


@dataclass(frozen=True, slots=True)
class Span:
    """One operation of one service. `links` are the trace ids that it follows from."""

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    name: str
    kind: str
    started_at: datetime
    seconds: float
    failed: str | None
    links: tuple[str, ...]
    attributes: Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class Bar:
    """A span's place in the waterfall: depth, and left and width in thousandths of the whole."""

    span: Span
    depth: int
    left: int
    width: int


@dataclass(frozen=True, slots=True)
class Edge:
    """An event of a type went, within a trace, from its publisher to one that hears it."""

    event_type: str
    publisher: str
    hearer: str
    trace_id: str

    def __str__(self) -> str:
        return f"{self.publisher} -{self.event_type}-> {self.hearer}"


def waterfall(spans: Sequence[Span]) -> list[Bar]:
    """The spans of one trace, parents before children, by time."""
    if not spans:
        return []
    begin = min(span.started_at for span in spans)
    whole = max((s.started_at - begin).total_seconds() + s.seconds for s in spans) or 1e-9
    bars: list[Bar] = []
    for span, depth in _in_order(spans):
        left = min(round((span.started_at - begin).total_seconds() / whole * 1000), 1000 - THINNEST)
        width = max(round(span.seconds / whole * 1000), THINNEST)
        bars.append(Bar(span, depth, left, min(width, 1000 - left)))
    return bars


def _in_order(spans: Sequence[Span]) -> Iterable[tuple[Span, int]]:
    known = {span.span_id for span in spans}
    children: dict[str | None, list[Span]] = {}
    for span in sorted(spans, key=lambda span: (span.started_at, span.span_id), reverse=True):
        parent = span.parent_id if span.parent_id in known else None
        children.setdefault(parent, []).append(span)
    waiting = [(span, 0) for span in children.get(None, [])]
    while waiting:
        span, depth = waiting.pop()
        yield span, depth
        waiting.extend((child, depth + 1) for child in children.get(span.span_id, []))


def expected_edges(steps: Iterable[tuple[str, str]], topics: TopicTable) -> set[Edge]:
    """The edges that each (event type, trace id) must have left: one to every service that
    hears the type, in that trace."""
    return {
        Edge(event_type, topic.owner, hearer, trace_id)
        for event_type, trace_id in steps
        for topic in topics
        if event_type in {model.TYPE for model in topic.events}
        for hearer in topic.heard_by
    }


def missing_edges(expected: Iterable[Edge], spans: Iterable[Span]) -> set[Edge]:
    """The expected edges of which no handling was recorded."""
    handled = {(span.trace_id, span.service, span.name) for span in spans}
    return {
        edge
        for edge in expected
        if (edge.trace_id, edge.hearer, f"{edge.hearer} {edge.event_type}") not in handled
    }
