"""Due work: holds that end, and held rewards that nobody decided about."""

from collections.abc import Mapping, Sequence

from service_kit.events import DueRow
from service_kit.service import DueHandler
from service_kit.transaction import Transaction

from ..domain.lifecycle import end_hold, expire
from ..store import conversions
from .cases import open_desk, open_work
from .work import HELD_EXPIRED, HOLD_ENDED, Work


async def end_holds(tx: Transaction, rows: Sequence[DueRow]) -> None:
    """All rewards of each conversion freeze together, on what is known at the hold's end."""
    work = await _open(tx, rows)
    waiting = [
        (key, case.conversion.credit)
        for key, case in sorted(work.cases.items())
        if case.conversion.credit is not None and case.conversion.hold_ended_at is None
    ]
    desk = await open_desk(tx, work, [credit for _, credit in waiting], waiting)
    for row in rows:
        work.take(end_hold(work.cases[row.subject], desk, row.now), row.cause)
    await work.save()


async def expire_held(tx: Transaction, rows: Sequence[DueRow]) -> None:
    """Held rewards on which nobody decided in time are over."""
    work = await _open(tx, rows)
    for row in rows:
        work.take(expire(work.cases[row.subject], row.now), row.cause)
    await work.save()


async def _open(tx: Transaction, rows: Sequence[DueRow]) -> Work:
    known = await conversions.lock(tx, {row.subject for row in rows})
    return await open_work(tx, known, known)


DUE: Mapping[str, DueHandler] = {HOLD_ENDED: end_holds, HELD_EXPIRED: expire_held}
