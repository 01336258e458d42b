"""Where a running service stands: readiness, `/internal/status`, its parked events."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import due, due_parking, held, metrics, outbox, parking
from .consumer import Consumer
from .crash import crash_point
from .events import Cause
from .http import Internal
from .problems import Rejected, Transient
from .tables import TableReader

if TYPE_CHECKING:
    from .runtime import AnyRuntime

_STUCK_SECONDS = 60.0


class NoDatabase(Rejected):
    """This service keeps no events."""

    status = 404
    title = "This service has no database"


@dataclass(slots=True)
class Parts:
    """What runs in this process, as far as it has started, and what failed last."""

    started: bool = False
    ordinal: int | None = None
    consumer: Consumer | None = None
    tables: TableReader | None = None
    failing: dict[str, str] = field(default_factory=dict)
    _lag: int = 0
    _moved_at: float = field(default_factory=time.monotonic)

    def moved(self, lag: int) -> bool:
        """Whether the backlog is empty or shrank lately."""
        if lag == 0 or lag != self._lag:
            self._lag, self._moved_at = lag, time.monotonic()
        return time.monotonic() - self._moved_at < _STUCK_SECONDS


def internal(runtime: "AnyRuntime", parts: Parts) -> Internal:
    """What the kit's routes ask of this service."""

    async def not_ready() -> list[str]:
        return await _not_ready(runtime, parts)

    async def status() -> dict[str, object]:
        return await _status(runtime, parts)

    async def parked(limit: int) -> list[dict[str, object]]:
        if runtime.service.migrations is None:
            return []
        rows: Sequence[dict[str, object]] = await due_parking.parked(runtime, limit)
        return [parking.shown(row) for row in await held.parked(runtime.pool, limit)] + list(rows)

    async def parked_one(source: str, event_id: str) -> dict[str, object] | None:
        _need_database(runtime)
        row = await held.get(runtime.pool, source, event_id)
        return parking.shown(row) if row is not None else None

    async def release(source: str, event_id: str, actor: str) -> dict[str, object]:
        return {"outcome": await decide(runtime, (source, event_id), actor, apply=True)}

    async def discard(source: str, event_id: str, actor: str) -> dict[str, object]:
        return {"outcome": await decide(runtime, (source, event_id), actor, apply=False)}

    return Internal(
        not_ready=not_ready,
        status=status,
        parked=parked,
        parked_one=parked_one,
        release=release,
        discard=discard,
    )


def _need_database(runtime: "AnyRuntime") -> None:
    if runtime.service.migrations is None:
        raise NoDatabase


async def decide(
    runtime: "AnyRuntime", identity: tuple[str, str], actor: str, *, apply: bool
) -> str:
    """Release (`apply`) or discard what is parked under (source, id). Raises Rejected."""
    _need_database(runtime)
    if identity[0] == due_parking.source(runtime):
        return await due_parking.decide(runtime, identity[1], apply=apply)
    now = runtime.now()
    by = Cause.of_request(f"{runtime.service.name}/operator", f"{identity}{now.isoformat()}", now)
    do = parking.release if apply else parking.discard
    async with runtime.transaction(step="release") as tx:
        outcome = await do(runtime, tx, identity, by, actor)
    crash_point("after_release_commit")
    return outcome


async def _not_ready(runtime: "AnyRuntime", parts: Parts) -> list[str]:
    if not parts.started:
        return ["starting", *(f"{name}: {error}" for name, error in parts.failing.items())]
    reasons = [f"{name}: {error}" for name, error in parts.failing.items()]
    if not runtime.tables_at_end.is_set():
        reasons.append("tables are not read to their end")
    consumer = parts.consumer
    if consumer is not None:
        if consumer.halted:
            reasons.append(f"consuming stopped: {consumer.halted}")
        reasons += await _consumer_reasons(consumer, parts)
    if runtime.service.migrations is not None:
        await runtime.pool.fetchval("SELECT 1")
    return reasons


async def _consumer_reasons(consumer: Consumer, parts: Parts) -> list[str]:
    if not consumer.has_joined:
        return ["no partitions assigned yet"]
    try:
        lag = sum((await consumer.lag()).values())
    except Transient as error:
        return [str(error)]
    return [] if parts.moved(lag) else [f"no progress for {_STUCK_SECONDS:.0f} s, {lag} behind"]


async def _status(runtime: "AnyRuntime", parts: Parts) -> dict[str, object]:
    consumer = parts.consumer
    lag = await consumer.lag() if consumer is not None else {}
    table_lag = await parts.tables.lag() if parts.tables is not None else {}
    found: dict[str, object] = {
        "service": runtime.service.name,
        "instance": parts.ordinal,
        "started": parts.started,
        "assigned": [f"{topic}/{number}" for topic, number in lag],
        "lag": _by_name(lag),
        "table_lag": _by_name(table_lag),
        "halted": consumer.halted if consumer is not None else None,
        "tables_at_end": runtime.tables_at_end.is_set(),
        "failing": dict(parts.failing),
        "tasks": sorted(
            task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("kit ")
        ),
    }
    if runtime.service.migrations is not None and parts.started:
        found |= await _rows(runtime)
    if runtime.service.pending is not None and parts.started:
        found["pending"] = await runtime.service.pending(runtime)
    if runtime.service.status is not None and parts.started:
        found |= runtime.service.status(runtime)
    return found


def _by_name(lag: Mapping[tuple[str, int], int]) -> dict[str, int]:
    return {f"{topic}/{number}": behind for (topic, number), behind in lag.items()}


async def _rows(runtime: "AnyRuntime") -> dict[str, object]:
    async with runtime.pool.acquire() as connection:
        counts = await held.counts(connection)
        unpublished = await outbox.unpublished(connection)
        row = await due.next_row(connection, runtime.service.name, list(runtime.service.due))
        parked_due = await due_parking.count(connection)
    metrics.waiting.set(counts["waiting"])
    return {
        **counts,
        "unpublished": unpublished,
        "due_parked": parked_due,
        "next_due_at": row["due_at"].isoformat() if row is not None else None,
        "next_due_kind": row["kind"] if row is not None else None,
        "next_due_by_event": row["by_event"] if row is not None else None,
    }
