"""The fixtures that the other suites use."""

import pytest
from local_stack import Infrastructure
from local_stack.testing import FreshDatabase

from .clients import create_topic, first_message, run_sql, send

pytestmark = pytest.mark.real

migrated: list[str] = []


async def migrate(url: str) -> None:
    migrated.append(url)
    await run_sql(url, "CREATE TABLE things AS SELECT 1 AS thing")


@pytest.mark.parametrize("attempt", [1, 2])
async def test_each_test_gets_a_migrated_database_of_its_own(
    fresh_database: FreshDatabase, attempt: int
) -> None:
    url = await fresh_database("things", migrate)
    assert await run_sql(url, "SELECT count(*) FROM things") == 1, attempt
    await run_sql(url, "INSERT INTO things VALUES (2)")
    assert len(migrated) == 1


async def test_a_database_is_gone_after_its_test(infrastructure: Infrastructure) -> None:
    left = "SELECT count(*) FROM pg_database WHERE datname LIKE 't\\_things\\_%'"
    assert await run_sql(infrastructure.admin_url, left) == 0


async def test_topics_are_apart_by_prefix(
    infrastructure: Infrastructure, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}things"
    await create_topic(infrastructure.kafka_bootstrap, topic)
    await send(infrastructure.kafka_bootstrap, topic, b"x")
    assert await first_message(infrastructure.kafka_bootstrap, topic) == b"x"
