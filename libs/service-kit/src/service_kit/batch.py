"""One batch, from delivery to commit: the exactly-once core.

Everything is decoded before the transaction. In it: progress (the fence), the inbox, the handler,
the outbox. If the handler fails, the good events commit together, each in a savepoint, and every
suspect is tried once more, alone on a fresh connection: only what fails there is parked.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncpg
from msgspec.structs import replace
from opentelemetry.trace import Span, SpanKind
from shared_schemas.event import EventData

from . import handling, held, inbox, metrics, parking, progress
from .crash import crash_point
from .events import Event
from .failures import TooManyDeadLetters, fault_of, is_alive, is_transient
from .held import OrderedKey
from .intake import Delivery, Item
from .problems import Transient
from .telemetry import fail, traceparent_of
from .transaction import Transaction

if TYPE_CHECKING:
    from .runtime import AnyRuntime


class _OutOfOrder(Exception):
    """An event waits, and a later one of its ordered key was handled in the same call."""


@dataclass(slots=True)
class _Outcome:
    """What became of a batch, to be counted once it is committed."""

    items: int
    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    parked: int = 0

    def note(self, items: Sequence[Item], result: str) -> None:
        self.results.update((item.type or "", result) for item in items)
        self.parked += len(items) if result == "parked" else 0


async def process(runtime: "AnyRuntime", deliveries: Sequence[Delivery]) -> None:
    """Take up a batch, all of it, exactly once. Raises Transient to be called again with it.

    Raises TooManyDeadLetters when something else than the events must be wrong.
    """
    items = [item for delivery in deliveries if (item := _read(runtime, delivery)) is not None]
    through = progress.consumed_through(deliveries, items)
    try:
        await _together(runtime, items, through)
    except Exception as error:
        if is_transient(error) or isinstance(error, TooManyDeadLetters):
            raise
        suspects = await _one_by_one(runtime, items, dict.fromkeys(through, progress.EPOCH))
        for item in suspects:
            await _alone(runtime, item)
        await progress.advance(runtime.pool, through)
    _age(runtime, items)


async def _together(
    runtime: "AnyRuntime", items: Sequence[Item], through: progress.Through
) -> None:
    """The whole batch in one call of the handler."""
    outcome = _Outcome(len(items))
    with _Spans(runtime, items) as spans:
        async with runtime.transaction() as tx:
            await progress.advance(tx, through)
            good = await _admit(runtime, tx, items, outcome)
            if good:
                await runtime.service.handle(tx, [spans.follow(item) for item in good])
                _check_order(runtime, tx, good)
            outcome.note(good, "applied")
    _count(runtime, outcome)


async def _one_by_one(
    runtime: "AnyRuntime", items: Sequence[Item], through: progress.Through
) -> list[Item]:
    """Each event in a savepoint; returns those to be tried alone, which are not let in yet.

    Until they have been, their partitions are not consumed: `through` is only the fence.
    """
    outcome = _Outcome(len(items))
    suspects: list[Item] = []
    with _Spans(runtime, items) as spans:
        async with runtime.transaction() as tx:
            await progress.advance(tx, through)
            for item in await _admit(runtime, tx, items, outcome):
                if _is_behind(runtime, item, suspects):
                    suspects.append(item)
                    continue
                if await _hold_back(runtime, tx, [item]):
                    outcome.note([item], "behind")
                    continue
                try:
                    async with tx.savepoint() as inner:
                        await handling.handle(runtime, inner, [spans.follow(item)])
                except Exception as error:
                    if is_transient(error):
                        raise
                    suspects.append(item)
                else:
                    outcome.note([item], "applied")
            await inbox.forget(tx, suspects)
    _count(runtime, outcome)
    return suspects


async def _alone(runtime: "AnyRuntime", item: Item) -> None:
    """One event on a connection that is known to work: its failure there is its own fault."""
    outcome = _Outcome(0)
    async with runtime.database.fresh_connection() as connection:
        try:
            with _Spans(runtime, [item]) as spans:
                async with runtime.transaction(connection) as tx:
                    for good in await _admit(runtime, tx, [item], outcome):
                        await handling.handle(runtime, tx, [spans.follow(good)])
                        outcome.note([good], "applied")
        except Exception as error:
            if is_transient(error) or not await is_alive(connection):
                raise
            outcome = _Outcome(0)
            await _park_alone(runtime, connection, item._replace(fault=fault_of(error)), outcome)
    _count(runtime, outcome)


async def _park_alone(
    runtime: "AnyRuntime", connection: asyncpg.Connection, item: Item, outcome: _Outcome
) -> None:
    runtime.dead_letters.check(parked=1, total=1)
    try:
        async with runtime.transaction(connection, step="park") as tx:
            await _admit(runtime, tx, [item], outcome)
    except Exception as error:
        raise Transient("a bad event could not be parked") from error
    crash_point("after_park_commit_before_offsets")


async def _admit(
    runtime: "AnyRuntime", tx: Transaction, items: Sequence[Item], outcome: _Outcome
) -> list[Item]:
    """Let new items into the inbox, set aside what cannot be handled, return what can."""
    if not items:
        return []
    admitted = await inbox.admit(tx, items)
    outcome.note(admitted.duplicates, "duplicate")
    behind = await _hold_back(runtime, tx, admitted.fresh)
    outcome.note(behind, "behind")
    left = [item for item in admitted.fresh if item not in behind] if behind else admitted.fresh
    faulty = [(item, item.fault) for item in (*left, *admitted.reused) if item.fault is not None]
    if faulty:
        runtime.dead_letters.check(parked=len(faulty), total=outcome.items or len(faulty))
        await parking.park(runtime, tx, faulty)
        outcome.note([item for item, _ in faulty], "parked")
    return [item for item in left if item.fault is None]


async def _hold_back(runtime: "AnyRuntime", tx: Transaction, items: Sequence[Item]) -> list[Item]:
    """Hold back what comes after a held event of its ordered key; returns that."""
    keys = [(item, key) for item in items if (key := _ordered_key(runtime, item)) is not None]
    quarantined = await held.quarantined(tx, [key for _, key in keys])
    behind = [item for item, key in keys if key in quarantined]
    await held.put(tx, [held.hold(item, "behind", ordered=True) for item in behind])
    return behind


def _ordered_key(runtime: "AnyRuntime", item: Item) -> OrderedKey | None:
    topic, key = item.place
    return (topic, key) if key is not None and runtime.is_ordered(topic) else None


def _is_behind(runtime: "AnyRuntime", item: Item, others: Sequence[Item]) -> bool:
    key = _ordered_key(runtime, item)
    return key is not None and any(other.place == key for other in others)


def _check_order(runtime: "AnyRuntime", tx: Transaction, items: Sequence[Item]) -> None:
    """Raise _OutOfOrder if a wait was said for an event before the last of its ordered key."""
    last = {item.place: item for item in items if runtime.is_ordered(item.delivery.topic)}
    for wait in tx.waits:
        event = wait.event
        key = None if event.key is None else event.key.encode()
        if (item := last.get((event.topic, key))) and item.delivery.offset != event.offset:
            raise _OutOfOrder


def _read(runtime: "AnyRuntime", delivery: Delivery) -> Item | None:
    item = runtime.reader.read(delivery)
    if item is None and not runtime.reader.knows(delivery):
        metrics.unknown_types(delivery.topic).inc()
    return item


def _count(runtime: "AnyRuntime", outcome: _Outcome) -> None:
    for (event_type, result), count in outcome.results.items():
        metrics.handled(event_type, result).inc(count)
    runtime.dead_letters.note(parked=outcome.parked, total=outcome.items)


def _age(runtime: "AnyRuntime", items: Sequence[Item]) -> None:
    now = runtime.now().timestamp()
    for item in items:
        metrics.event_age_seconds(item.delivery.topic).observe(now - item.time.timestamp())


class _Spans:
    """A span for the batch, and one for each sampled event, joined to the trace it came from."""

    def __init__(self, runtime: "AnyRuntime", items: Sequence[Item]) -> None:
        self._telemetry = runtime.telemetry
        self._name = runtime.service.name
        links = [item.event.traceparent for item in items if item.event is not None]
        whole = self._telemetry.start_linked(f"{self._name} batch", links)
        self._open: list[Span] = [whole] if whole is not None else []

    def follow(self, item: Item) -> Event[EventData]:
        """The item's event; what it emits continues the span of its handling."""
        event = item.event
        if event is None:
            raise ValueError("a faulty item has no event")
        parent = event.traceparent or self._telemetry.adopt(event.source, event.id)
        span = self._telemetry.start(
            f"{self._name} {event.type}", parent=parent, kind=SpanKind.CONSUMER
        )
        if span is None:
            return event if event.traceparent else replace(event, traceparent=parent)
        self._open.append(span)
        return replace(event, traceparent=traceparent_of(span))

    def __enter__(self) -> "_Spans":
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        for span in self._open:
            if error is not None:
                fail(span, error)
            span.end()
