"""The hub keeps each revision once and shows the newest, in any order of arrival."""

from datetime import timedelta
from random import Random

import pytest
from hub.domain.steps import step_of
from hub.handlers import HEARS, TABLES
from hub.settings import Settings
from hub.store import reading
from service_kit.testing import EPOCH, Given, Harness
from shared_schemas.topics import TOPICS

from .builders import example

CONVERSION = example("conversion.credited.v1").data.conversion_id  # type: ignore[attr-defined]
REWARD_TYPES = ("pending", "approved", "fulfilling", "fulfilled")


@pytest.mark.real
async def test_every_event_that_the_hub_hears_is_kept(harness: Harness[Settings]) -> None:
    await harness.deliver(*(example(model.TYPE) for model in HEARS))
    await harness.hear_table(*(example(model.TYPE) for model in TABLES))
    kinds = await harness.fetch("SELECT DISTINCT kind FROM documents")
    assert len(kinds) == 15
    assert await harness.parked() == []


@pytest.mark.real
@pytest.mark.parametrize("seed", range(3))
async def test_the_newest_revision_wins_whatever_the_order(
    harness: Harness[Settings], seed: int
) -> None:
    events = [example(f"reward.{name}.v1") for name in REWARD_TYPES]
    for revision, given in enumerate(events, 1):
        assert given.data.revision == revision  # type: ignore[attr-defined]
    Random(seed).shuffle(events)
    for given in events:
        await harness.deliver(given)
    async with harness.transaction() as tx:
        rewards = await reading.latest(tx, reading.Wanted("reward"), limit=10)
        history = await reading.history(tx, CONVERSION)
    assert [row["body"]["state"] for row in rewards] == ["fulfilled"]
    assert len(history) == len(REWARD_TYPES)


@pytest.mark.real
async def test_a_replay_changes_no_row_also_with_the_inbox_emptied(
    harness: Harness[Settings],
) -> None:
    events = [example(model.TYPE) for model in HEARS]
    await harness.deliver(*events)
    before = await harness.fetch("SELECT * FROM steps ORDER BY kind, id, revision")
    documents = await harness.fetch("SELECT * FROM documents ORDER BY kind, id")
    await harness.fetch("DELETE FROM kit.inbox")
    await harness.deliver(*reversed(events))
    assert await harness.fetch("SELECT * FROM steps ORDER BY kind, id, revision") == before
    assert await harness.fetch("SELECT * FROM documents ORDER BY kind, id") == documents


@pytest.mark.real
async def test_a_batch_costs_the_same_statements_whatever_its_size(
    harness: Harness[Settings],
) -> None:
    for event_type in ("reward.pending.v1", "touches.counted.v1", "conversion.credited.v1"):
        one, *hundred = (_distinct(event_type, number) for number in range(101))
        await harness.deliver(one)
        alone = harness.statements
        await harness.deliver(*hundred)
        assert (event_type, harness.statements) == (event_type, alone)
    links = [example("link.issued.v1", code=f"c-{number}") for number in range(101)]
    await harness.hear_table(links[0])
    alone = harness.statements
    await harness.hear_table(*links[1:])
    assert harness.statements == alone


def _distinct(event_type: str, number: int) -> Given:
    name = {"reward": "reward_id", "touches": "code", "conversion": "conversion_id"}
    return example(event_type, **{name[event_type.partition(".")[0]]: f"n-{number}"})


def test_a_trace_is_kept_only_if_it_is_recorded() -> None:
    data, at = example("reward.pending.v1").data, EPOCH
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert step_of(data, at=at, traceparent=f"00-{trace}-00f067aa0ba902b7-01").trace_id == trace
    assert step_of(data, at=at, traceparent=f"00-{trace}-00f067aa0ba902b7-00").trace_id is None
    assert step_of(data, at=at, traceparent=None).trace_id is None


@pytest.mark.parametrize(
    ("event_type", "state"),
    [
        ("reward.held.v1", "held"),
        ("referral.advanced.v1", None),
        ("event.parked.v1", "parked"),
        ("event.released.v1", None),
        ("touches.counted.v1", None),
    ],
)
def test_lists_are_filtered_by_state_stage_or_outcome(event_type: str, state: str | None) -> None:
    data = example(event_type).data
    expected = state or getattr(data, "stage", getattr(data, "outcome", None))
    assert step_of(data, at=EPOCH, traceparent=None).state == expected


def test_an_event_parked_again_after_its_release_stands_as_parked() -> None:
    parked, released = example("event.parked.v1").data, example("event.released.v1").data
    told = [
        step_of(
            data.model_copy(update={"at": EPOCH + timedelta(minutes=n)}), at=EPOCH, traceparent=None
        )
        for n, data in enumerate((parked, released, parked))
    ]
    assert {(step.kind, step.id) for step in told} == {(told[0].kind, told[0].id)}
    assert max(told, key=lambda step: step.revision).state == "parked"
    assert len({step.revision for step in told}) == 3


def test_the_hub_hears_exactly_what_the_topic_table_says() -> None:
    said = {model.TYPE for topic in TOPICS.heard_by("hub") for model in topic.events}
    assert said == {model.TYPE for model in (*HEARS, *TABLES)}
