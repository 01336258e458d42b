"""What happens by itself: links expire, day keys are made ahead and destroyed, the first key."""

from collections.abc import Sequence
from datetime import datetime

from service_kit.events import Cause, DueRow
from service_kit.transaction import Transaction
from shared_schemas.events.programs import KeyIssued, KeyRevoked
from shared_schemas.sealed import new_key_pair

from ..domain.keys import (
    day_key_destroyed,
    day_key_issued,
    days_ahead,
    decide_root_key,
    last_day_to_destroy,
    next_midnight,
)
from ..domain.links import expire_link
from ..domain.organisation import ROOT_KEY
from ..store import loading, people
from .desk import SOURCE, Decided, Desk, record

DAY_KEYS = "day_keys"


async def expire_links(desk: Desk, tx: Transaction, rows: Sequence[DueRow]) -> None:
    """Links whose time is over."""
    await loading.take_turn(tx)
    state = await loading.load(tx, loading.Wanted(codes=[row.subject for row in rows]))
    links = ((row, state.links.get(row.subject)) for row in rows)
    changes = [(row, expire_link(link, row.due_at)) for row, link in links if link is not None]
    await record(
        desk, tx, [Decided(change, SOURCE, row.cause) for row, change in changes if change]
    )


async def renew_day_keys(desk: Desk, tx: Transaction, rows: Sequence[DueRow]) -> None:
    """Each midnight: keys for thirty days ahead; those past the erasure window are destroyed."""
    for row in rows:
        await keep_day_keys(desk, tx, row.now, row.cause.traceparent)


async def keep_day_keys(
    desk: Desk, tx: Transaction, now: datetime, traceparent: str | None
) -> None:
    """Make the day keys what they should be now, and look again at midnight (UTC)."""
    known = await people.known_days(tx, days_ahead(now))
    missing = [day for day in days_ahead(now) if day not in known]
    pairs = {day: new_key_pair() for day in missing}
    added = await people.add_day_keys(tx, desk.vault, pairs) if pairs else {}
    gone = await people.destroy_day_keys(tx, last_day_to_destroy(now), now)
    events: list[KeyIssued | KeyRevoked] = []
    events += [day_key_issued(day, public) for day, public in sorted(added.items())]
    events += [day_key_destroyed(day, now) for day in gone]
    for event in events:
        tx.emit(event, cause=_cause(f"key/{event.key_id}/{event.revision}", now, traceparent))
    tomorrow = next_midnight(now)
    cause = _cause(f"{DAY_KEYS}/{tomorrow.date().isoformat()}", now, traceparent)
    tx.due(DAY_KEYS, "all", tomorrow, cause=cause)


async def keep_root_key(
    desk: Desk, tx: Transaction, now: datetime, traceparent: str | None
) -> None:
    """Publish the first admin key as it is set, so that every service knows it."""
    await loading.take_turn(tx)
    state = await loading.load(tx, loading.Wanted(keys=[ROOT_KEY]))
    change = decide_root_key(state.keys.get(ROOT_KEY), desk.root_hash, now)
    if change is not None:
        cause = _cause(change.cause_id, now, traceparent)
        await record(desk, tx, [Decided(change, ROOT_KEY, cause)])


def _cause(natural_id: str, now: datetime, traceparent: str | None) -> Cause:
    return Cause.of_request(SOURCE, natural_id, now, traceparent)
