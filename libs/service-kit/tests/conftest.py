"""The kit's sample service, importable by its tests, and a database for each."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import SecretStr
from service_kit.producer import Producer
from service_kit.runtime import Runtime
from service_kit.settings import KitSettings
from service_kit.telemetry import Telemetry
from service_kit.testing import Harness, migrations_of

sys.path.insert(0, str(Path(__file__).parent))

import shop


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
            shop.shop(), settings, telemetry=Telemetry("shop"), producer=Producer(settings)
        )
        runtime.use_pool(await runtime.database.open_pool())
        return runtime


@pytest_asyncio.fixture(loop_scope="session")
async def stack(infrastructure, topic_prefix, shop_database) -> Stack:
    """Broker and database, ready for the sample service."""
    stack = Stack(infrastructure.kafka_bootstrap, topic_prefix, shop_database)
    await make_topics(stack, *((topic.name, topic.partitions) for topic in shop.TOPICS))
    return stack


async def eventually(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
def kit_settings() -> Callable[..., KitSettings]:
    """Makes settings without an environment."""
    return lambda **given: KitSettings(operator_token=SecretStr("0123456789abcdef-t"), **given)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def make_topics(stack: Stack, *topics: tuple[str, int]) -> None:
    """Create topics under the stack's prefix."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(stack.prefix + name, n, 1) for name, n in topics])
    finally:
        await admin.close()


@pytest_asyncio.fixture(loop_scope="session")
async def shop_database(fresh_database) -> str:
    """An empty database of the sample service."""
    return await fresh_database("shop", migrations_of(shop.shop()))


@pytest_asyncio.fixture(loop_scope="session")
async def harness(shop_database: str) -> AsyncIterator[Harness]:
    """The sample service on a database, without Kafka."""
    async with Harness(shop.shop(), shop_database) as running:
        yield running
    shop.broken.clear()
    shop.failures_left.clear()
    shop.looks.clear()
