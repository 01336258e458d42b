"""The topic table is whole and says nothing twice."""

from collections import Counter
from enum import StrEnum
from itertools import pairwise

import pytest
from shared_schemas.asyncapi import document, example_of
from shared_schemas.event import PersonalData, Retention
from shared_schemas.states import (
    TRANSITIONS,
    WAITING,
    IllegalTransition,
    RewardState,
    check_transition,
)
from shared_schemas.table import UnknownType
from shared_schemas.topics import TOPICS


def test_a_type_travels_on_one_topic_but_for_parked_events() -> None:
    homes = Counter(model.TYPE for topic in TOPICS for model in topic.events)
    assert {t for t, n in homes.items() if n > 1} == {"event.parked.v1", "event.released.v1"}


@pytest.mark.parametrize("topic", list(TOPICS), ids=lambda topic: topic.name)
def test_every_event_has_its_topics_key(topic: object) -> None:
    for model in topic.events:  # type: ignore[attr-defined]
        event = model.model_validate(example_of(model))
        assert topic.key_of(event)  # type: ignore[attr-defined]


@pytest.mark.parametrize("topic", list(TOPICS), ids=lambda topic: topic.name)
def test_partitions_are_a_power_of_two(topic: object) -> None:
    assert topic.partitions.bit_count() == 1  # type: ignore[attr-defined]


def test_only_sealed_topics_carry_ciphertext() -> None:
    for topic in TOPICS:
        sealed = any("sealed" in model.model_fields for model in topic.events)
        assert not sealed or topic.personal_data is PersonalData.SEALED


def test_table_topics_keep_what_a_new_instance_needs() -> None:
    kept = {Retention.FOREVER, Retention.COMPACTED}
    assert all(topic.retention in kept for topic in TOPICS if topic.table)


def test_a_stranger_cannot_publish_a_type() -> None:
    assert TOPICS.home("reward.approved.v1", owner="rewards").name == "rewards.rewards"
    assert TOPICS.home("event.parked.v1", owner="fraud").name == "fraud.parked"
    with pytest.raises(UnknownType):
        TOPICS.home("reward.approved.v1", owner="fraud")


def test_the_asyncapi_document_names_every_topic_and_resolves_its_messages() -> None:
    described = document()
    assert set(described["channels"]) == {topic.name for topic in TOPICS}
    for channel in described["channels"].values():
        for reference in channel["messages"].values():
            name = reference["$ref"].rpartition("/")[2]
            assert "#/$defs" not in str(described["components"]["messages"][name])


@pytest.mark.parametrize("states", TRANSITIONS, ids=lambda states: states.__name__)
def test_every_state_is_in_its_table_and_a_way_out_is_named_where_it_waits(
    states: type[StrEnum],
) -> None:
    table = TRANSITIONS[states]
    assert set(table) == set(states)
    assert all(target in states for targets in table.values() for target in targets)
    assert all(table[state] for state in states if state in WAITING)


def test_a_paid_reward_cannot_become_pending_again() -> None:
    legal = [RewardState.PENDING, RewardState.APPROVED, RewardState.FULFILLING]
    for before, after in pairwise([*legal, RewardState.FULFILLED, RewardState.CLAWED_BACK]):
        check_transition(before, after)
    with pytest.raises(IllegalTransition, match="fulfilled cannot become pending"):
        check_transition(RewardState.FULFILLED, RewardState.PENDING)
