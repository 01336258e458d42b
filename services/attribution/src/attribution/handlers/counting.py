"""Touches are counted anew, whole: a few seconds after the first, then at most once a minute."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from service_kit.events import Cause, DueRow
from service_kit.transaction import Transaction
from shared_schemas.events.attribution import TouchesCounted

from ..domain.values import Counted
from ..store.counts import Bucket, count, counted_through

FIRST_WITHIN = timedelta(seconds=5)
EVERY = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def count_soon(tx: Transaction, changed: Mapping[tuple[str, Counted], Cause]) -> None:
    """Have the changed buckets counted: a new one soon, the others a minute after the last time."""
    buckets: dict[Bucket, Cause] = {
        (code, place.day): cause for (code, place), cause in changed.items()
    }
    if not buckets:
        return
    through = await counted_through(tx, buckets)
    for bucket, cause in buckets.items():
        at = max(_soon(cause.now), through.get(bucket, _EPOCH) + EVERY)
        tx.due("count", f"{bucket[0]}/{bucket[1].isoformat()}", at, cause=cause)


def _soon(moment: datetime) -> datetime:
    """The next full five seconds, so that many touches make one row."""
    return _EPOCH + ((moment - _EPOCH) // FIRST_WITHIN + 1) * FIRST_WITHIN


async def recount(tx: Transaction, rows: Sequence[DueRow]) -> None:
    """Count buckets; those whose numbers changed are published as whole state."""
    due: dict[Bucket, DueRow] = {}
    for row in sorted(rows, key=lambda row: row.due_at):
        code, _, day = row.subject.rpartition("/")
        due[code, date.fromisoformat(day)] = row
    counts = await count(tx, {bucket: row.due_at for bucket, row in due.items()})
    for counted in counts:
        row = due[counted.code, counted.day]
        tx.emit(
            TouchesCounted(
                code=counted.code,
                day=counted.day,
                revision=counted.revision,
                clicks=counted.clicks,
                share_views=counted.share_views,
                codes_entered=counted.codes_entered,
                leads=counted.leads,
                as_of=row.now,
            ),
            cause=row.cause,
        )
