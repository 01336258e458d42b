"""How a handler runs inside a transaction, and how what it said is completed.

`handle` → the outbox and due rows are written → waiters and facts meet, which may handle more
events in this same transaction, until nothing is left to say.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared_schemas.event import EventData

from . import due, facts, held, metrics, outbox, parking, waking
from .events import Event
from .failures import fault_of, isolated
from .held import Fact, Held
from .intake import Delivery, Item, RawHeaders
from .transaction import Transaction, Wait

if TYPE_CHECKING:
    from .runtime import AnyRuntime


async def handle(
    runtime: "AnyRuntime", tx: Transaction, events: Sequence[Event[EventData]]
) -> None:
    """Let the service handle events, and complete what it said."""
    await runtime.service.handle(tx, events)
    await complete(runtime, tx)


async def complete(runtime: "AnyRuntime", tx: Transaction) -> None:
    """Write what was said in `tx`; handle what became possible, and write what that says of it."""
    await _write(tx)
    waits, announced = tx.take_waits()
    if waits or announced:
        await _meet(runtime, tx, waits, announced)
        await _write(tx)


async def _write(tx: Transaction) -> None:
    await outbox.write(tx)
    await due.write(tx)


async def _meet(
    runtime: "AnyRuntime", tx: Transaction, waits: Sequence[Wait], announced: set[Fact]
) -> None:
    """Waiter and fact lock the same row; whoever comes second finds what the first left."""
    known = await facts.meet(tx, {(wait.kind, wait.id) for wait in waits}, announced)
    again, later = _sort_out(tx, waits, known)
    woken = await waking.wake(tx, announced) if announced else []
    await held.put(tx, [_waiting(runtime, wait) for wait in later])
    await waking.take_up(runtime, tx, [_item_of(event) for event in again], woken)


def _sort_out(
    tx: Transaction, waits: Sequence[Wait], known: set[Fact]
) -> tuple[list[Event[EventData]], list[Wait]]:
    """Events to handle again because their fact is known by now, and waits to keep.

    An event that asks for a known fact once more waits for the next announcement of it.
    """
    again: list[Event[EventData]] = []
    later: list[Wait] = []
    for wait in waits:
        place = (wait.event.source, wait.event.id, wait.kind, wait.id)
        if (wait.kind, wait.id) in known and place not in tx.asked:
            tx.asked.add(place)
            again.append(wait.event)
        else:
            later.append(wait)
    return again, later


async def handle_woken(runtime: "AnyRuntime", tx: Transaction, items: Sequence[Item]) -> None:
    """Handle woken events without letting a bad one spoil the transaction that woke it."""
    faults = [(item, item.fault) for item in items if item.fault is not None]

    async def work(inner: Transaction, some: Sequence[Item]) -> None:
        await handle(runtime, inner, [item.event for item in some if item.event is not None])

    good = [item for item in items if item.fault is None]
    failed = await isolated(tx, good, work)
    await parking.park(runtime, tx, faults + [(item, fault_of(error)) for item, error in failed])
    for item in good:
        metrics.handled(item.type or "", "woken").inc()


def held_item(runtime: "AnyRuntime", row: Held) -> Item:
    """A held event as it was delivered, read again by today's models."""
    item = runtime.reader.read(row.delivery)
    if item is None:
        fault = parking.NOT_HEARD
        return Item(row.delivery, row.source, row.id, row.type, row.time, None, None, fault)
    return item


def _waiting(runtime: "AnyRuntime", wait: Wait) -> Held:
    if not runtime.hears(wait.event):
        raise TypeError(f"{wait.event.type} comes from a table topic, where nothing can wait")
    metrics.handled(wait.event.type, "waiting").inc()
    item = _item_of(wait.event)
    return held.hold(
        item, "waiting", ordered=runtime.is_ordered(wait.event.topic), fact=(wait.kind, wait.id)
    )


def _item_of(event: Event[EventData]) -> Item:
    headers: RawHeaders = event.envelope.to_headers()
    key = None if event.key is None else event.key.encode()
    delivery = Delivery(
        event.topic, event.partition, event.offset, key, headers, event.body, event.now
    )
    return Item(
        delivery,
        event.source,
        event.id,
        event.type,
        event.now,
        event.envelope.body_hash,
        event,
    )
