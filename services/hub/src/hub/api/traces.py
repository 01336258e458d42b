"""A conversion's traces, ready to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service_kit.transaction import Transaction

from ..domain.spans import MAX_SPANS_SHOWN, Span, waterfall
from ..store import reading, spans

MAX_TRACES: Final = 5
COLOURS: Final = 8


@dataclass(frozen=True, slots=True)
class Drawn:
    """A bar with the number of its service's colour."""

    span: Span
    depth: int
    left: int
    width: int
    service_number: int


async def waterfalls(tx: Transaction, history: Sequence[reading.Document]) -> list[list[Drawn]]:
    """The waterfall of each trace that the steps travelled in, the first ones first."""
    ids = list(dict.fromkeys(row["trace_id"] for row in history if row["trace_id"]))[:MAX_TRACES]
    found = await spans.of_traces(tx, ids, limit=MAX_SPANS_SHOWN)
    services = sorted({span.service for span in found})
    return [
        [
            Drawn(
                bar.span, bar.depth, bar.left, bar.width, services.index(bar.span.service) % COLOURS
            )
            for bar in waterfall(of_trace)
        ]
        for trace_id in ids
        if (of_trace := [span for span in found if span.trace_id == trace_id])
    ]
