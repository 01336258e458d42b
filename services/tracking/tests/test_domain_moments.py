"""When something occurred, whatever the clock of a client says."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_schemas.words import Trust
from tracking.domain.moments import EARLIEST, occurred_at

from .builders import NOW

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "trust", "expected", "warned"),
    [
        (None, None, Trust.SECRET, NOW, False),
        (NOW - MINUTE, None, Trust.PUBLISHABLE, NOW - MINUTE, False),
        (NOW - 10 * DAY, None, Trust.PUBLISHABLE, NOW - 7 * DAY, True),
        (NOW - 400 * DAY, None, Trust.SECRET, NOW - 400 * DAY, False),
        (datetime(1970, 1, 1, tzinfo=UTC), None, Trust.SECRET, EARLIEST, True),
        (datetime(1, 1, 1, tzinfo=UTC), None, Trust.PUBLISHABLE, NOW - 7 * DAY, True),
        (NOW + DAY, None, Trust.SECRET, NOW, True),
        (NOW + timedelta(seconds=5), None, Trust.SECRET, NOW, False),
        (NOW + DAY - MINUTE, NOW + DAY, Trust.SECRET, NOW - MINUTE, False),
        (NOW - DAY - MINUTE, NOW - DAY, Trust.PUBLISHABLE, NOW - MINUTE, False),
        (NOW, datetime.min.replace(tzinfo=UTC), Trust.SECRET, NOW, True),
        (NOW, datetime.max.replace(tzinfo=UTC), Trust.PUBLISHABLE, NOW, False),
    ],
)
def test_a_clients_clock_is_corrected_and_bounded(
    timestamp: datetime, sent_at: datetime, trust: Trust, expected: datetime, warned: bool
) -> None:
    moment, warning = occurred_at(timestamp, sent_at, NOW, trust)
    assert moment == expected
    assert (warning is not None) == warned


@given(
    timestamp=st.datetimes(timezones=st.just(UTC)),
    sent_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    trust=st.sampled_from(Trust),
)
def test_whatever_a_clock_says_a_zone_can_still_tell_the_month(
    timestamp: datetime, sent_at: datetime | None, trust: Trust
) -> None:
    moment, _ = occurred_at(timestamp, sent_at, NOW, trust)
    assert EARLIEST <= moment <= NOW
    assert moment.astimezone(ZoneInfo("America/New_York")).month in range(1, 13)
