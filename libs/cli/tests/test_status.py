"""Whether all work is done, from what services and Kafka said."""

from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import TopicPartition
from goodword.platform.broker import lag
from goodword.platform.status import InstanceStatus, Snapshot, Status

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
QUIET = {
    "unpublished": 0,
    "waiting": 0,
    "parked": 2,
    "due_parked": 1,
    "tables_at_end": True,
    "next_due_at": None,
}


def instance(*, ready: bool = True, document: dict[str, object] | None = None) -> InstanceStatus:
    return InstanceStatus(
        service="rewards",
        ordinal=0,
        url="http://127.0.0.1:1",
        pid=7,
        memory_bytes=1 << 20,
        ready=ready,
        reasons=[] if ready else ["tables are not read to their end"],
        document=QUIET if document is None else QUIET | document,
    )


def snapshot(
    *instances: InstanceStatus, lag: dict[str, dict[str, int]] | None = None, ends: int = 10
) -> Snapshot:
    return Snapshot(
        taken_at=NOON,
        instances=instances,
        lag=lag or {"rewards": {}},
        end_offsets=ends,
        kafka="k",
        postgres="p",
        keys={"web": "gw_pk_x"},
    )


def unsettled(seconds: float = 0, **document: object) -> list[str]:
    return snapshot(instance(document=document)).unsettled(timedelta(seconds=seconds))


def test_parked_events_and_distant_work_leave_it_settled() -> None:
    assert unsettled(parked=3) == []
    assert unsettled(next_due_at="2026-11-01T12:00:31+00:00", next_due_by_event=True) == []


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"unpublished": 3}, "rewards-0 has 3 rows to publish"),
        ({"waiting": 1}, "rewards-0 has 1 events waiting for a fact"),
        ({"spooled": 2}, "rewards-0 has 2 events in its spool"),
        ({"pending": 5}, "rewards-0 has 5 pieces of work in hand"),
        ({"tables_at_end": False}, "rewards-0 has not read its tables to the end"),
        ({"table_lag": {"programs.links/0": 1}}, "rewards-0 has not read its tables to the end"),
        (
            {"next_due_at": "2026-11-01T11:59:59+00:00", "next_due_by_event": True},
            "rewards-0 has work due at 2026-11-01T11:59:59+00:00",
        ),
    ],
)
def test_work_in_flight_is_a_reason(document: dict[str, object], reason: str) -> None:
    assert unsettled(**document) == [reason]


def test_work_due_within_the_horizon_is_in_flight() -> None:
    soon: dict[str, object] = {
        "next_due_at": "2026-11-01T12:00:05+00:00",
        "next_due_by_event": True,
    }
    assert unsettled(0, **soon) == []
    assert len(unsettled(30, **soon)) == 1


def test_work_that_only_the_calendar_asks_for_is_not_in_flight() -> None:
    assert unsettled(30, next_due_at="2026-11-01T12:00:05+00:00", next_due_by_event=False) == []


def test_a_group_that_is_behind_and_a_service_that_is_not_ready_are_reasons() -> None:
    unready = snapshot(instance(ready=False), lag={"rewards": {"fraud.verdicts": 4}})
    assert unready.unsettled(timedelta()) == [
        "rewards-0 is not ready: tables are not read to their end",
        "rewards is 4 behind on fraud.verdicts",
    ]


def test_two_looks_between_which_something_was_published_do_not_count_as_two_in_a_row() -> None:
    first = snapshot(instance())
    assert first.is_followed_by(snapshot(instance()))
    assert not first.is_followed_by(snapshot(instance(), ends=11))


def test_the_status_document_has_the_promised_shape() -> None:
    status = Status(
        snapshot=snapshot(instance(), lag={"rewards": {"a": 1, "b": 2}}),
        settled=False,
        unsettled=["rewards is 1 behind on a"],
    )
    document = status.to_json()
    assert document["kafka"] == "k"
    assert document["keys"] == {"web": "gw_pk_x"}
    assert document["settled"] is False
    assert document["unsettled"] == ["rewards is 1 behind on a"]
    assert document["services"] == {
        "rewards": [
            {
                "name": "rewards-0",
                "pid": 7,
                "url": "http://127.0.0.1:1",
                "ready": True,
                "reasons": [],
                "lag": 3,
                "memory_bytes": 1 << 20,
                "unpublished": 0,
                "waiting": 0,
                "parked": 3,
                "spooled": 0,
                "tables_read": True,
                "next_due_at": None,
            }
        ]
    }


def test_lag_is_what_lies_between_the_commit_and_the_end() -> None:
    zero, one, other = TopicPartition("a", 0), TopicPartition("a", 1), TopicPartition("b", 0)
    ends = {zero: 10, one: 5, other: 3}
    starts = {zero: 0, one: 0, other: 3}
    assert lag(ends, starts, {zero: 10, one: 4}) == {"a": 1}
    assert lag(ends, starts, {}) == {"a": 15}  # what retention has deleted is not behind
