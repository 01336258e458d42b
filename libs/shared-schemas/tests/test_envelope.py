"""The envelope survives the wire, and refuses what is none."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_schemas.envelope import BadEnvelope, Envelope

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
GOOD: list[tuple[str, bytes | None]] = [
    ("ce_id", b"e-1"),
    ("ce_type", b"click.recorded.v1"),
    ("ce_source", b"site"),
    ("ce_time", b"2026-11-22T10:00:00Z"),
]


@given(
    st.text(
        st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=50
    ),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=9))])),
)
def test_an_envelope_survives_the_round_trip(event_id: str, time: datetime) -> None:
    envelope = Envelope(
        event_id=event_id,
        event_type="click.recorded.v1",
        source="site",
        time=time,
        key="visitor",
        traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01",
        body_hash="abc",
    )
    assert Envelope.from_headers(envelope.to_headers()) == envelope


def test_four_headers_are_enough_for_a_foreign_producer() -> None:
    envelope = Envelope.from_headers(GOOD)
    assert (envelope.event_id, envelope.source, envelope.time) == ("e-1", "site", NOW)


def test_foreign_headers_are_ignored_whatever_they_hold() -> None:
    assert Envelope.from_headers([*GOOD, ("x-thing", b"\xff\xfe"), ("y", None)]).event_id == "e-1"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ce_id", None, "ce_id is missing"),
        ("ce_id", b"", "ce_id is missing"),
        ("ce_source", b"\xff", "not UTF-8"),
        ("ce_time", b"yesterday", "not an RFC 3339 time"),
        ("ce_time", b"2026-11-22T10:00:00", "no time zone"),
        ("ce_time", b"0001-01-01T00:00:00+14:00", "not an RFC 3339 time"),
        ("ce_time", b"9999-12-31T23:59:59-14:00", "not an RFC 3339 time"),
        ("ce_id", b"a\x00b", "NUL"),
        ("ce_id", b"x" * 201, "at most 200"),
    ],
)
def test_a_bad_header_is_named(name: str, value: bytes | None, message: str) -> None:
    headers = [(n, value if n == name else v) for n, v in GOOD]
    with pytest.raises(BadEnvelope, match=message):
        Envelope.from_headers(headers)
