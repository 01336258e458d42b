"""A conversion's traces, ready to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from service_kit.transaction import Transaction

from ..domain.spans import MAX_SPANS_SHOWN, Bar, Span, waterfall
from ..store import reading, spans

MAX_TRACES: Final = 8
COLOURS: Final = 10


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace: its bars, and the number of the colour of each of its services."""

    trace_id: str
    started_at: datetime
    seconds: float
    follows: bool
    colours: dict[str, int]
    bars: list[Bar]


async def waterfalls(tx: Transaction, history: Sequence[reading.Document]) -> list[Trace]:
    """The waterfall of each trace that touches and steps travelled in, the first ones first."""
    ids = _trace_ids(history)
    found = await spans.of_traces(tx, ids, limit=MAX_SPANS_SHOWN)
    services = sorted({span.service for span in found})
    colours = {service: number % COLOURS for number, service in enumerate(services)}
    by_trace: dict[str, list[Span]] = {}
    for span in found:
        by_trace.setdefault(span.trace_id, []).append(span)
    drawn = [_drawn(trace_id, of_trace, colours) for trace_id, of_trace in by_trace.items()]
    return sorted(drawn, key=lambda trace: trace.started_at)


def _trace_ids(history: Sequence[reading.Document]) -> list[str]:
    """Of the steps, then of the touches that were looked at, at most so many."""
    touched = (
        item.get("trace_id")
        for row in history
        if row["kind"] == "conversion"
        for item in _evidence(row["body"])
    )
    stepped = (row["trace_id"] for row in history)
    return list(dict.fromkeys(found for found in (*stepped, *touched) if found))[:MAX_TRACES]


def _evidence(body: Any) -> list[Any]:
    counted = (item for share in body.get("shares", ()) for item in share.get("evidence", ()))
    return [*counted, *body.get("refused", ())]


def _drawn(trace_id: str, of_trace: Sequence[Span], colours: dict[str, int]) -> Trace:
    began = min(span.started_at for span in of_trace)
    ended = max((span.started_at - began).total_seconds() + span.seconds for span in of_trace)
    here = dict.fromkeys(span.service for span in of_trace)
    return Trace(
        trace_id,
        began,
        ended,
        any(span.links for span in of_trace),
        {service: colours[service] for service in here},
        waterfall(of_trace),
    )
