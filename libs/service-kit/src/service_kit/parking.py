"""Parking: a bad event is set aside with its reason, told, copied, and taken up again once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared_schemas.events.parked import EventParked, EventReleased

from . import handling, held, metrics, waking
from .events import Cause
from .failures import fault_of
from .held import Held
from .intake import MAX_DETAIL_CHARACTERS, Fault, Item
from .problems import Rejected
from .progress import EPOCH
from .transaction import Emission, Transaction

if TYPE_CHECKING:
    from .runtime import AnyRuntime

NOT_HEARD = Fault("not_heard", "this service does not hear this type any more")
WAITED_TOO_LONG = "waited_too_long"
_DISCARD_ONLY = "id_reused"
_REPORTS = {EventParked.TYPE, EventReleased.TYPE}


class NotReleasable(Rejected):
    """A parked event that cannot be taken up now; the detail says why."""

    status = 409
    title = "This event cannot be released"


class NotParked(Rejected):
    """No event of this identity is held."""

    status = 404
    title = "No such parked event"


async def park(
    runtime: "AnyRuntime", tx: Transaction, faulty: Sequence[tuple[Item, Fault]]
) -> None:
    """Set events aside for good, in the transaction that lets them into the inbox."""
    rows = [
        held.hold(item, "parked", ordered=_holds_back(runtime, item, fault), fault=fault)
        for item, fault in faulty
    ]
    added = await held.put(tx, rows)
    for row in rows:
        if (held_at := added.get((row.source, row.id))) is not None:
            _tell(tx, replace(row, held_at=held_at))
            _copy(tx, row)


def _holds_back(runtime: "AnyRuntime", item: Item, fault: Fault) -> bool:
    return runtime.is_ordered(item.delivery.topic) and fault.reason != _DISCARD_ONLY


def _tell(tx: Transaction, row: Held) -> None:
    """Publish that an event is parked; that such a report is parked is not reported in turn.

    The time is part of the report's id: an event that was released may be parked once more.
    """
    metrics.parked(row.delivery.topic, row.reason or "").inc()
    if row.type in _REPORTS:
        return
    at = row.held_at or row.time
    parked = EventParked(**_told(tx, row), at=at, detail=row.detail or "")
    cause = Cause(row.source, row.id, row.time, row.id)
    tx.emit(parked, cause=cause, n=(at - EPOCH) // timedelta(microseconds=1))


async def release(
    runtime: "AnyRuntime", tx: Transaction, identity: tuple[str, str], by: Cause, actor: str
) -> str:
    """Handle a held event now, then those behind it. Returns `applied` or `waiting`.

    Raises NotParked; NotReleasable if it still cannot be handled, and then nothing has changed.
    """
    row = await _take(tx, identity)
    if row.reason == _DISCARD_ONLY:
        raise NotReleasable("its id was used for another body; it can only be discarded")
    item = handling.held_item(runtime, row)
    if item.event is None:
        fault = item.fault or NOT_HEARD
        raise NotReleasable(f"{fault.reason}: {fault.detail}")
    try:
        async with tx.savepoint() as inner:
            await handling.handle(runtime, inner, [item.event])
    except Exception as error:
        raise NotReleasable(fault_of(error).detail) from error
    outcome = "applied" if await held.get(tx, row.source, row.id) is None else "waiting"
    await _end(runtime, tx, row, by, (outcome, actor))
    return outcome


async def discard(
    runtime: "AnyRuntime", tx: Transaction, identity: tuple[str, str], by: Cause, actor: str
) -> str:
    """Give a held event up, and handle those behind it. Raises NotParked, NotReleasable."""
    row = await _take(tx, identity)
    await held.bury(tx, row)
    await _end(runtime, tx, row, by, ("discarded", actor))
    return "discarded"


async def expire(tx: Transaction, before: datetime, limit: int) -> int:
    """Park what waits since before then. Returns how many that were."""
    rows = await held.expire(tx, before, limit)
    for row in rows:
        _tell(tx, row)
        _copy(tx, row)
    return len(rows)


async def _take(tx: Transaction, identity: tuple[str, str]) -> Held:
    seen = await held.get(tx, *identity)
    if seen is not None and seen.key is not None:
        await held.lock_key(tx, seen.key)
    row = await held.take(tx, *identity)
    if row is None:
        raise NotParked("/".join(identity))
    if row.state == "behind":
        raise NotReleasable("it is behind another event of its key; release that one")
    return row


async def _end(
    runtime: "AnyRuntime", tx: Transaction, row: Held, by: Cause, outcome: tuple[str, str]
) -> None:
    if row.key is not None:
        await waking.drain(runtime, tx, row.key)
    told = EventReleased(**_told(tx, row), at=by.now, outcome=outcome[0], actor=outcome[1])
    tx.emit(told, cause=by)


def _told(tx: Transaction, row: Held) -> dict[str, object]:
    return {
        "consumer": tx.name,
        "ce_source": row.source,
        "ce_id": row.id,
        "ce_type": row.type,
        "topic": row.delivery.topic,
        "partition": row.delivery.partition,
        "offset": row.delivery.offset,
        "reason": row.reason or row.state,
    }


def _copy(tx: Transaction, row: Held) -> None:
    """A copy of the record as it was, for whoever watches the dead letters with Kafka's tools.

    A record too big to be sent again stays where it was; the table has it.
    """
    delivery = row.delivery
    if row.reason != "oversized" and (delivery.key or delivery.body):
        topic = f"{delivery.topic}.dlq.{tx.name}"
        tx.emissions.append(Emission(topic, delivery.key, delivery.headers, delivery.body))


def shown(row: Held) -> dict[str, object]:
    """A held event as `/internal/parked` shows it: where and why, not what."""
    return {
        "source": row.source,
        "id": row.id,
        "type": row.type,
        "time": row.time.isoformat(),
        "state": row.state,
        "reason": row.reason,
        "detail": (row.detail or "")[:MAX_DETAIL_CHARACTERS],
        "waits_for": list(row.fact) if row.fact else None,
        "topic": row.delivery.topic,
        "partition": row.delivery.partition,
        "offset": row.delivery.offset,
        "key": None if row.delivery.key is None else row.delivery.key.decode("utf-8", "replace"),
        "held_at": row.held_at.isoformat() if row.held_at else None,
    }
