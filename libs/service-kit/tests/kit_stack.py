"""What the kit's tests on a real broker share."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import SecretStr
from service_kit.producer import Producer, Record
from service_kit.runtime import Runtime
from service_kit.settings import KitSettings
from service_kit.telemetry import Telemetry
from shared_schemas.envelope import Envelope
from shared_schemas.event import EventData
from shop import OrderChanged, shop


@dataclass(frozen=True)
class Stack:
    """A broker with the sample service's topics under a prefix, and a database."""

    kafka: str
    prefix: str
    url: str

    def settings(self, **changes: Any) -> KitSettings:
        """Settings for one instance; short waits."""
        given: dict[str, Any] = {
            "kafka": self.kafka,
            "topic_prefix": self.prefix,
            "database": SecretStr(self.url),
            "operator_token": SecretStr("0123456789abcdef-token"),
            "retry_most_seconds": 0.3,
            "group_session_seconds": 6,
        }
        return KitSettings(**(given | changes))

    async def runtime(self, **changes: Any) -> Runtime:
        """A runtime with its pool open; close it by `close_pool` and `producer.stop`."""
        settings = self.settings(**changes)
        runtime = Runtime(
            shop(), settings, telemetry=Telemetry("shop"), producer=Producer(settings)
        )
        runtime.use_pool(await runtime.database.open_pool())
        return runtime


async def eventually(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def delete_topics(stack: Stack) -> None:
    """Delete every topic under the prefix: a broker with thousands of them is a slow one."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    await admin.start()
    try:
        names = await admin.list_topics()
        await admin.delete_topics([name for name in names if name.startswith(stack.prefix)])
    finally:
        await admin.close()


async def make_topics(stack: Stack, *topics: tuple[str, int]) -> None:
    """Create topics under the stack's prefix."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(stack.prefix + name, n, 1) for name, n in topics])

        async def all_have_leaders() -> bool:
            found = await admin.describe_topics([stack.prefix + name for name, _ in topics])
            return all(
                topic["error_code"] == 0 and all(p["error_code"] == 0 for p in topic["partitions"])
                for topic in found
            )

        await eventually(all_have_leaders)
    finally:
        await admin.close()


def record(data: EventData, number: int, **changes) -> Record:
    """An event's record; `changes` replace parts of it or, as header_x, headers."""
    envelope = Envelope(
        event_id=f"e{number}", event_type=data.TYPE, source="web", time=datetime.now(UTC)
    )
    headers = dict(envelope.to_headers())
    headers |= {k[7:]: v for k, v in changes.items() if k.startswith("header_")}
    topic = "web.changes" if isinstance(data, OrderChanged) else "web.orders"
    return Record(
        topic,
        changes.get("key", data.order_id.encode()),
        [(k, v) for k, v in headers.items() if v != b""],
        changes.get("body", data.to_json()),
    )


async def send(producer: Producer, *records: Record) -> None:
    assert not any(await producer.send_all(records, deadline_seconds=10))


async def published(stack: Stack, count: int, topic: str = "shop.orders"):
    """The first `count` records of a topic."""
    client = AIOKafkaConsumer(
        stack.prefix + topic, bootstrap_servers=stack.kafka, auto_offset_reset="earliest"
    )
    await client.start()
    try:
        records = []
        async with asyncio.timeout(20):
            while len(records) < count:
                polled = await client.getmany(timeout_ms=100)
                records += [record for part in polled.values() for record in part]
        return records
    finally:
        await client.stop()
