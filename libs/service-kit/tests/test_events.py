"""Ids, causes and reading, without a database."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_kit import events, progress
from service_kit.events import Cause, derived_id, of_type
from service_kit.failures import DeadLetters, TooManyDeadLetters
from service_kit.intake import Delivery, Reader, pack_headers, unpack_headers
from service_kit.service import Service
from service_kit.transaction import Transaction
from shared_schemas.envelope import Envelope
from shop import TOPICS, OrderPlaced, OrderTaken, shop

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
READER = Reader(TOPICS, frozenset({OrderPlaced.TYPE}), 1_000)


def delivery(body: bytes | None = b'{"order_id": "o1"}', **headers: bytes | None) -> Delivery:
    envelope = Envelope(event_id="e1", event_type=OrderPlaced.TYPE, source="web", time=NOON)
    given_headers = list((dict(envelope.to_headers()) | headers).items())
    return Delivery("web.orders", 0, 7, b"o1", given_headers, body, NOON)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_a_derived_id_is_a_uuid5(parts):
    assert derived_id(*parts) == str(uuid5(UUID(bytes=events._NAMESPACE), "\n".join(parts)))


def test_the_nth_emission_of_a_cause_has_its_own_id_and_the_same_on_every_try():
    cause = Cause("web", "e1", NOON, "c")

    def ids() -> list[str]:
        tx = Transaction(None, name="shop", topics=TOPICS)
        return [tx.emit(OrderTaken(order_id="o1"), cause=cause) for _ in range(3)]

    assert ids() == ids()
    assert len(set(ids())) == 3


def test_an_emission_too_big_for_kafka_is_refused_where_it_is_made():
    tx = Transaction(None, name="shop", topics=TOPICS)
    with pytest.raises(ValueError, match="Kafka would refuse it"):
        tx.emit(OrderTaken(order_id="x" * 1_000_000), cause=Cause("web", "e1", NOON, "c"))


def test_an_event_reads_as_its_type_says():
    item = READER.read(delivery())
    assert item is not None
    assert item.event is not None
    assert of_type([item.event], OrderPlaced)[0].data.order_id == "o1"
    assert of_type([item.event], OrderTaken) == []
    assert item.event.cause.now == NOON


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (delivery(None), "null_body"),
        (delivery(b"{"), "invalid_body"),
        (delivery(b'{"order_id": 1}'), "invalid_body"),
        (delivery(b'{"order_id": "\\ud800"}'), "invalid_body"),
        (delivery(b" " * 1_001), "oversized"),
        (delivery(ce_id=b"\xff"), "bad_envelope"),
        (delivery(ce_id=None), "bad_envelope"),
        (delivery(ce_type=b"order.placed.v2"), "unknown_version"),
    ],
)
def test_what_cannot_be_read_has_a_reason_and_an_identity(bad, reason):
    item = READER.read(bad)
    assert item is not None
    assert item.event is None
    assert item.fault is not None
    assert item.fault.reason == reason
    assert item.id == READER.read(bad).id


def test_a_fault_names_the_place_and_not_the_value():
    item = READER.read(delivery(b'{"order_id": {"secret": "ann@example.org"}}'))
    assert item is not None
    assert item.fault is not None
    assert "order_id" in item.fault.detail
    assert "ann" not in item.fault.detail


def test_what_nobody_here_hears_is_skipped():
    assert READER.read(delivery(ce_type=b"order.taken.v1")) is None
    assert READER.read(delivery(ce_type=b"weather.changed.v1")) is None
    assert not READER.knows(delivery(ce_type=b"weather.changed.v1"))


@given(
    st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.none() | st.binary()))
)
def test_any_headers_survive_being_kept(headers):
    assert unpack_headers(pack_headers(headers)) == headers


def test_a_partition_is_consumed_up_to_the_earlier_of_both_clocks():
    ahead = delivery(ce_time=b"2099-01-01T00:00:00Z")
    republished = delivery(ce_time=b"2020-01-01T00:00:00Z")
    unreadable = delivery(ce_id=None)

    def through(*given_deliveries: Delivery):
        items = [READER.read(d) for d in given_deliveries]
        return progress.consumed_through(given_deliveries, items)["web.orders", 0]

    assert through(ahead) == NOON
    assert through(republished).year == 2020
    assert through(republished, ahead) == NOON
    assert through(unreadable) == NOON


def test_the_dead_letter_ratio_counts_a_window():
    now = 0.0
    letters = DeadLetters(0.5, 10, 60, lambda: now)
    letters.check(parked=9, total=9)  # too few to say
    letters.note(parked=9, total=9)
    with pytest.raises(TooManyDeadLetters):
        letters.check(parked=1, total=1)
    now = 61.0
    letters.check(parked=1, total=1)


def test_a_service_without_a_database_cannot_hear_events():
    with pytest.raises(ValueError, match="needs a database"):
        shop(migrations=None)
    assert Service(name="web", topics=TOPICS).group_topics == {}
