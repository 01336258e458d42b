"""Topics, ends, commits and replays on a real Kafka."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from goodword.platform.broker import Broker, KafkaSilent, UnknownTopic, lag
from goodword.platform.topics import create_topics, differences, specs
from local_stack import Infrastructure
from local_stack.ports import free_port

pytestmark = pytest.mark.real
TOPIC = "rewards.rewards"


async def publish(kafka: str, topic: str, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for n in range(count):
            await producer.send_and_wait(
                topic,
                key=f"key-{n % 3}".encode(),
                value=None if n == 1 else f'{{"n": {n}}}'.encode(),
                headers=[("ce_id", str(n).encode()), ("ce_type", b"reward.pending.v1")],
                timestamp_ms=1_700_000_000_000 + n,
            )


async def records(kafka: str, topic: str, count: int) -> "list[ConsumerRecord[bytes, bytes]]":
    found: list[ConsumerRecord[bytes, bytes]] = []
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    async with consumer:
        while len(found) < count:
            found.append(await consumer.getone())
    return found


def content(record: "ConsumerRecord[bytes, bytes]") -> tuple[object, ...]:
    return record.partition, record.key, record.value, tuple(record.headers), record.timestamp


async def test_topics_are_created_once_and_then_left_alone(
    infrastructure: Infrastructure, topic_prefix: str
) -> None:
    kafka = infrastructure.kafka_bootstrap
    assert sorted(await create_topics(kafka, topic_prefix)) == sorted(s.name for s in specs())
    assert await create_topics(kafka, topic_prefix) == []
    assert await differences(kafka, topic_prefix) == []


async def test_a_replay_produces_every_record_once_more_and_unchanged(
    infrastructure: Infrastructure, topic_prefix: str
) -> None:
    kafka = infrastructure.kafka_bootstrap
    await create_topics(kafka, topic_prefix)
    await publish(kafka, topic_prefix + TOPIC, 10)
    async with Broker.connected(kafka, topic_prefix) as broker:
        assert await broker.replay(TOPIC) == 10
        assert sum((await broker.ends([TOPIC])).values()) == 20
        assert await broker.replay("crm.leads") == 0
        with pytest.raises(UnknownTopic):
            await broker.replay("no.such")
    found = [content(record) for record in await records(kafka, topic_prefix + TOPIC, 20)]
    assert len(set(found)) == 10
    assert all(found.count(each) == 2 for each in found)


async def test_lag_is_measured_by_what_a_group_has_committed(
    infrastructure: Infrastructure, topic_prefix: str
) -> None:
    kafka = infrastructure.kafka_bootstrap
    await create_topics(kafka, topic_prefix)
    await publish(kafka, topic_prefix + TOPIC, 6)
    async with Broker.connected(kafka, topic_prefix) as broker:
        ends, starts = await broker.ends([TOPIC, "crm.leads"]), await broker.starts([TOPIC])
        assert await broker.committed("hub") == {}
        assert lag(ends, starts, {}) == {TOPIC: 6}
        consumer = AIOKafkaConsumer(
            bootstrap_servers=kafka, group_id=f"{topic_prefix}hub", enable_auto_commit=False
        )
        async with consumer:
            places = {TopicPartition(topic_prefix + tp.topic, tp.partition): tp for tp in ends}
            consumer.assign(list(places))
            await consumer.commit({full: ends[tp] for full, tp in places.items() if ends[tp]})
        assert lag(ends, starts, await broker.committed("hub")) == {}


async def test_a_broker_that_does_not_answer_is_told() -> None:
    with pytest.raises(KafkaSilent, match="does not answer"):
        async with Broker.connected(f"127.0.0.1:{free_port()}"):
            pass
