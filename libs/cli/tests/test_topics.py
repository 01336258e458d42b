"""The topics that Kafka should have."""

from goodword.platform.topics import TopicSpec, compare, group_consumers, group_topics, specs
from shared_schemas.event import Retention
from shared_schemas.topics import TOPICS


def test_every_topic_of_the_table_and_the_dead_letters_of_its_groups_are_wanted() -> None:
    names = [spec.name for spec in specs()]
    assert len(names) == len(set(names))
    assert {topic.name for topic in TOPICS} <= set(names)
    assert "rewards.rewards.dlq.notifications" in names
    assert "programs.links.dlq.tracking" not in names


def test_dead_letters_of_a_short_lived_topic_are_short_lived() -> None:
    by_name = {spec.name: spec for spec in specs()}
    assert by_name["tracking.contacts.dlq.programs"].config == Retention.SHORT.config
    assert by_name["programs.contacts.dlq.notifications"].config == Retention.STANDARD.config


def test_a_table_topic_has_no_groups() -> None:
    assert group_consumers(TOPICS["programs.links"]) == ()
    assert "programs.links" not in group_topics("attribution")
    assert "tracking.touches" in group_topics("attribution")


def test_differences_are_told_in_words() -> None:
    spec = TopicSpec(name="a.b", partitions=4, config={"retention.ms": "-1"})
    assert compare(spec, 4, {"retention.ms": "-1", "other": "1"}) == []
    assert compare(spec, 1, {"retention.ms": "5"}) == [
        "a.b has 1 partitions, not 4",
        "a.b has retention.ms=5, not -1",
    ]
