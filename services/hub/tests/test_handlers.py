"""The hub keeps each revision once and shows the newest, in any order of arrival."""

from random import Random

import pytest
from hub.handlers import HEARS, TABLES
from hub.settings import Settings
from hub.store import reading
from service_kit.testing import Harness
from shared_schemas.topics import TOPICS

from .builders import example

pytestmark = pytest.mark.real

CONVERSION = example("conversion.credited.v1").data.conversion_id  # type: ignore[attr-defined]
REWARD_TYPES = ("pending", "approved", "fulfilling", "fulfilled")


async def test_every_event_that_the_hub_hears_is_kept(harness: Harness[Settings]) -> None:
    await harness.deliver(*(example(model.TYPE) for model in HEARS))
    await harness.hear_table(*(example(model.TYPE) for model in TABLES))
    kinds = await harness.fetch("SELECT DISTINCT kind FROM documents")
    assert len(kinds) == 15
    assert await harness.parked() == []


@pytest.mark.parametrize("seed", range(4))
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
        rewards = await reading.latest(tx, "reward", limit=10)
        history = await reading.history(tx, CONVERSION)
    assert [row["body"]["state"] for row in rewards] == ["fulfilled"]
    assert len(history) == len(REWARD_TYPES)


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


async def test_a_batch_costs_the_same_statements_whatever_its_size(
    harness: Harness[Settings],
) -> None:
    await harness.deliver(example("reward.pending.v1", reward_id="r-0"))
    one = harness.statements
    await harness.deliver(
        *(example("reward.pending.v1", reward_id=f"r-{n}") for n in range(1, 101))
    )
    assert harness.statements == one


def test_the_hub_hears_exactly_what_the_topic_table_says() -> None:
    said = {model.TYPE for topic in TOPICS.heard_by("hub") for model in topic.events}
    assert said == {model.TYPE for model in (*HEARS, *TABLES)}
