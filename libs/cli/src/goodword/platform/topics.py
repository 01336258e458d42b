"""Kafka's topics as the topic table wants them: created when missing, differences told."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code
from shared_schemas.event import Retention, Topic
from shared_schemas.topics import TOPICS

from ..errors import PlatformError

_REPLICAS_MOST = 3
_REQUEST_MILLISECONDS = 30_000
_LEADER_SECONDS = 30.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSpec:
    """One topic as it should be in Kafka, its name without prefix."""

    name: str
    partitions: int
    config: Mapping[str, str]


def specs() -> list[TopicSpec]:
    """Every topic of the table, and the dead letters of each group that hears it."""
    return [spec for topic in TOPICS for spec in (_spec(topic), *_dead_letters(topic))]


def group_consumers(topic: Topic) -> tuple[str, ...]:
    """The services that read a topic in their consumer group; a table topic has none."""
    return () if topic.table else topic.heard_by


def group_topics(service: str) -> list[str]:
    """The topics that a service reads in its consumer group."""
    return [topic.name for topic in TOPICS.heard_by(service) if not topic.table]


def _spec(topic: Topic) -> TopicSpec:
    return TopicSpec(name=topic.name, partitions=topic.partitions, config=topic.retention.config)


def _dead_letters(topic: Topic) -> list[TopicSpec]:
    """Copies live no longer than what they are copies of."""
    short = topic.retention is Retention.SHORT
    config = (Retention.SHORT if short else Retention.STANDARD).config
    return [
        TopicSpec(name=f"{topic.name}.dlq.{service}", partitions=1, config=config)
        for service in group_consumers(topic)
    ]


async def create_topics(kafka: str, prefix: str = "") -> list[str]:
    """Create what is missing, leave the rest alone; returns the names created, once usable."""
    async with administering(kafka) as admin:
        present = set(await admin.list_topics())
        missing = [spec for spec in specs() if prefix + spec.name not in present]
        if missing:
            replicas = min(_REPLICAS_MOST, len((await admin.describe_cluster())["brokers"]))
            wanted = [_new(prefix, spec, replicas) for spec in missing]
            await make(admin, wanted)
        return [spec.name for spec in missing]


async def make(admin: AIOKafkaAdminClient, wanted: Sequence[NewTopic]) -> None:
    """Create topics and wait until they can be used. Raises PlatformError."""
    _check(await admin.create_topics(list(wanted), timeout_ms=_REQUEST_MILLISECONDS))
    await _until_led(admin, [new.name for new in wanted])


def _new(prefix: str, spec: TopicSpec, replicas: int) -> NewTopic:
    return NewTopic(
        prefix + spec.name,
        num_partitions=spec.partitions,
        replication_factor=replicas,
        topic_configs=dict(spec.config),
    )


async def _until_led(admin: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    """Wait until each partition has a leader: Kafka answers before that. Raises PlatformError."""
    deadline = time.monotonic() + _LEADER_SECONDS
    while time.monotonic() < deadline:
        described = await admin.describe_topics(list(names))
        partitions = [each for topic in described for each in topic["partitions"]]
        codes = [each["error_code"] for each in (*described, *partitions)]
        if not any(codes) and all(each["leader"] >= 0 for each in partitions):
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise PlatformError("Kafka has created the topics, but does not serve them.")


async def differences(kafka: str, prefix: str = "") -> list[str]:
    """How existing topics differ from the table, in words."""
    wanted = {prefix + spec.name: spec for spec in specs()}
    async with administering(kafka) as admin:
        present = set(await admin.list_topics()) & wanted.keys()
        described = await admin.describe_topics(sorted(present)) if present else []
        partitions = {each["topic"]: len(each["partitions"]) for each in described}
        configs = await _configs(admin, sorted(present))
    return [
        difference
        for name in sorted(present)
        for difference in compare(wanted[name], partitions.get(name, 0), configs.get(name, {}))
    ]


def compare(spec: TopicSpec, partitions: int, config: Mapping[str, str]) -> list[str]:
    """How one topic differs from its specification, in words."""
    found = []
    if partitions != spec.partitions:
        found.append(f"{spec.name} has {partitions} partitions, not {spec.partitions}")
    found += [
        f"{spec.name} has {name}={config.get(name)}, not {value}"
        for name, value in spec.config.items()
        if config.get(name) != value
    ]
    return found


async def _configs(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    if not resources:
        return {}
    found: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for _code, _message, _kind, name, entries in response.resources:
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found


def _check(response: object) -> None:
    for name, code, *message in getattr(response, "topic_errors", ()):
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:  # somebody else was quicker
            raise PlatformError(f"Kafka refuses to create {name}: {message or error.__name__}")


@asynccontextmanager
async def administering(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """An administrator's connection to Kafka, for as long as the block lasts."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.split(","))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
