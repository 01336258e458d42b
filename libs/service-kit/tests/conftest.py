"""The kit's sample service and its stack, for the tests of this folder.

Pytest imports test files without their folder on the path; the names of these two modules are the
only ones that the kit's tests add to it.
"""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from service_kit.settings import KitSettings
from service_kit.testing import Harness, migrations_of

sys.path.insert(0, str(Path(__file__).parent))

import shop
from kit_stack import Stack, delete_topics, make_topics


@pytest_asyncio.fixture(loop_scope="session")
async def stack(infrastructure, topic_prefix, shop_database) -> AsyncIterator[Stack]:
    """Broker and database, ready for the sample service."""
    stack = Stack(infrastructure.kafka_bootstrap, topic_prefix, shop_database)
    await make_topics(stack, *((topic.name, topic.partitions) for topic in shop.TOPICS))
    yield stack
    await delete_topics(stack)


@pytest.fixture
def kit_settings() -> Callable[..., KitSettings]:
    """Makes settings without an environment."""
    return lambda **given: KitSettings(operator_token=SecretStr("0123456789abcdef-t"), **given)


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
    shop.gates.clear()
