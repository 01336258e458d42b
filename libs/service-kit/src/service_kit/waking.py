"""Waking: what waits for a fact is handled in the fact's own transaction, up to a limit.

What the limit leaves is marked on the fact's row, and taken up in transactions of their own until
nothing is left. An ordered key of which the limit leaves some waits for a fact of the kit's own,
so that one loop takes up both. Each such transaction handles at least one event.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import facts, handling, held
from .crash import crash_point
from .held import Fact, Held, OrderedKey
from .intake import Item
from .transaction import Transaction
from .waiting import first_of

if TYPE_CHECKING:
    from .runtime import AnyRuntime

_IDLE_SECONDS = 30.0  # a process that died may have left some
_KEY_KIND = "kit.key"


async def run(runtime: "AnyRuntime", stop: asyncio.Event) -> None:
    """Take up what transactions had to leave, until `stop`."""
    while not stop.is_set():
        runtime.waiters_left.clear()
        if not await go_on(runtime):
            await first_of(runtime.waiters_left, stop, seconds=_IDLE_SECONDS)


async def go_on(runtime: "AnyRuntime") -> bool:
    """Wake some of what was left, in one transaction. False when nothing was left."""
    if not await facts.is_any_left(runtime.pool):
        return False
    async with runtime.transaction(step="wake") as tx:
        limit = tx.allowance.left
        marked = await facts.left(tx, limit)
        rows = await facts.wake(tx, marked, limit)
        if len(rows) < limit:
            await facts.none_left(tx, marked)
        await take_up(runtime, tx, [], rows)
    crash_point("after_wake_commit")
    return True


async def wake(tx: Transaction, announced: set[Fact]) -> list[Held]:
    """Those that wait for facts which `tx` announces: as many as it may still handle."""
    limit = tx.allowance.left
    rows = await facts.wake(tx, dict.fromkeys(announced), limit)
    if len(rows) == limit:
        await facts.leave(tx, announced)
    return rows


async def take_up(
    runtime: "AnyRuntime", tx: Transaction, items: Sequence[Item], woken: Sequence[Held]
) -> None:
    """Handle woken events beside `items`: at once, or at the head of their ordered key."""
    loose = [row for row in woken if row.key is None]
    tx.allowance.left -= len(loose)
    again = [handling.held_item(runtime, row) for row in loose]
    await handling.handle_woken(runtime, tx, [*items, *again])
    for key in dict.fromkeys(row.key for row in woken if row.key is not None):
        await drain(runtime, tx, key)


async def drain(runtime: "AnyRuntime", tx: Transaction, key: OrderedKey) -> None:
    """Handle the held events of an ordered key in order, up to one that stays held."""
    await held.lock_key(tx, key)
    while (row := await held.first(tx, key)) is not None:
        if row.state != "behind":
            return
        if tx.allowance.left <= 0:
            await _leave_key(tx, key, row)
            return
        tx.allowance.left -= 1
        await held.take(tx, row.source, row.id)
        await handling.handle_woken(runtime, tx, [handling.held_item(runtime, row)])
    await held.free_key(tx, key)


async def _leave_key(tx: Transaction, key: OrderedKey, first: Held) -> None:
    fact = (_KEY_KIND, f"{key[0]} {key[1].hex()}")
    await facts.let_wait(tx, first, fact)
    await facts.leave(tx, {fact})
