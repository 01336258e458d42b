"""The JSON twin of the pages, for operators' tools: bearer of the operator token only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

from litestar import get
from litestar.params import FromQuery, Parameter, QueryParameter
from litestar.types import ControllerRouterHandler
from service_kit.http import to_operators
from service_kit.runtime import Runtime
from service_kit.transaction import Transaction
from shared_schemas.event import MAX_ID_CHARACTERS
from shared_schemas.topics import TOPICS

from ..domain.journey import Journey, journey
from ..domain.outcome import outcome
from ..domain.spans import MAX_SPANS_SHOWN, expected_edges, missing_edges
from ..domain.stages import Tone
from ..settings import Settings
from ..store import reading, spans
from ..store.reading import Wanted
from .refusals import Unknown, programs
from .telling import InState, Text, before

MAX_ROWS: Final = 1_000
_LISTS: Final = {
    "conversions": "conversion",
    "referrals": "referral",
    "rewards": "reward",
    "payouts": "payout",
    "deliveries": "message",
    "verdicts": "verdict",
    "parked": "parked",
    "partners": "partner",
    "participants": "participant",
    "links": "link",
}

Limit = Annotated[int, QueryParameter(ge=1, le=MAX_ROWS, description="At most so many rows.")]


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """`/api/<list>`, `/api/conversions/{id}`, `/api/counts`, `/api/traces/{id}`."""
    handlers = [_list(runtime, name, kind) for name, kind in _LISTS.items()]
    handlers += [_conversion(runtime), _counts(runtime), _trace(runtime)]
    return [programs("/api", handlers, to_operators(runtime.settings))]


def _list(runtime: Runtime[Settings], name: str, kind: str) -> ControllerRouterHandler:
    @get(f"/{name}", operation_id=f"list_{name}", summary=f"The latest {name}, newest first.")
    async def latest(
        participant: Text = None,
        in_state: InState = None,
        before_at: FromQuery[datetime | None] = None,
        before_id: Text = None,
        limit: Limit = 100,
    ) -> dict[str, object]:
        people = (participant,) if participant else None
        wanted = Wanted(kind, people, in_state, before(before_at, before_id))
        async with runtime.transaction() as tx:
            rows = await reading.latest(tx, wanted, limit=limit)
        return {name: rows}

    return latest


def _conversion(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @get("/conversions/{conversion_id:str}", summary="One conversion's whole journey.")
    async def one(
        conversion_id: Annotated[str, Parameter(max_length=MAX_ID_CHARACTERS)],
    ) -> dict[str, object]:
        async with runtime.transaction() as tx:
            documents = (await reading.of_conversions(tx, [conversion_id]))[conversion_id]
            told = journey(documents)
            if told is None:
                raise Unknown(f"Nobody has told of conversion {conversion_id}.")
            history = await reading.history(tx, conversion_id)
            trace = await trace_of(tx, history)
        return {
            "journey": _journey(told),
            "documents": documents,
            "history": history,
            "trace": trace,
        }

    return one


async def trace_of(tx: Transaction, history: list[reading.Document]) -> dict[str, object]:
    """Which traces a conversion's steps travelled in, and which expected edges they lack."""
    steps = [(row["type"], row["trace_id"]) for row in history if row["trace_id"]]
    trace_ids = list(dict.fromkeys(trace_id for _, trace_id in steps))
    found = await spans.of_traces(tx, trace_ids, limit=MAX_SPANS_SHOWN * max(1, len(trace_ids)))
    expected = expected_edges(steps, TOPICS)
    missing = missing_edges(expected, found)
    return {
        "trace_ids": trace_ids,
        "spans": len(found),
        "edges": sorted({str(edge) for edge in expected}),
        "missing": sorted({str(edge) for edge in missing}),
        "complete": bool(expected) and not missing,
    }


def _counts(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @get("/counts", summary="Touches by kind, of one code or of all.")
    async def counts(code: Text = None) -> Mapping[str, int]:
        async with runtime.transaction() as tx:
            return await reading.counts(tx, code=code)

    return counts


def _trace(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @get("/traces/{trace_id:str}", summary="The spans of one trace.")
    async def trace(
        trace_id: Annotated[str, Parameter(pattern=r"^[0-9a-f]{32}$")],
    ) -> dict[str, object]:
        async with runtime.transaction() as tx:
            found = await spans.of_traces(tx, [trace_id], limit=MAX_SPANS_SHOWN)
        return {"spans": found}

    return trace


def _journey(told: Journey) -> dict[str, object]:
    came_of_it = outcome(told)
    stopped = came_of_it.stage if came_of_it.tone is Tone.STOPPED else None
    return {
        "outcome": came_of_it.ending,
        "cause": came_of_it.cause,
        "stopped_at": stopped.name if stopped else None,
        "stages": told.stages,
    }
