"""When something occurred, from what a client's clock says and what ours said on arrival."""

from datetime import UTC, datetime, timedelta

from shared_schemas.words import Trust

PUBLISHABLE_REACH = timedelta(days=7)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before it lie broken clocks and years without a zone
_MARKED_FROM = timedelta(minutes=1)


def occurred_at(
    timestamp: datetime | None, sent_at: datetime | None, received_at: datetime, trust: Trust
) -> tuple[datetime, str | None]:
    """The time of an event, and a warning when the client's claim was cut by over a minute.

    A client whose clock is off says so by `sent_at`: it is late by as much as its timestamp is.
    Nothing occurs after it was received, nor before 2000; publishable keys reach at most seven days
    back.
    """
    if timestamp is None:
        return received_at, None
    claimed = _corrected(timestamp, sent_at, received_at)
    if claimed > received_at:
        ahead = claimed - received_at > _MARKED_FROM
        return received_at, "timestamp lies in the future; taken as now" if ahead else None
    if trust is Trust.PUBLISHABLE and claimed < received_at - PUBLISHABLE_REACH:
        return received_at - PUBLISHABLE_REACH, "timestamp moved to seven days ago"
    if claimed < EARLIEST:
        return EARLIEST, "timestamp lies before 2000; moved to 2000-01-01"
    return claimed, None


def _corrected(timestamp: datetime, sent_at: datetime | None, received_at: datetime) -> datetime:
    if sent_at is None:
        return timestamp
    try:
        return timestamp + (received_at - sent_at)
    except OverflowError:
        return timestamp
