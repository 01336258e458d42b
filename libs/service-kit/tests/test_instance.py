"""Ordinals: one process each, by a database lock or a locked file."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from service_kit.instance import claimed
from service_kit.producer import Producer
from service_kit.runtime import Runtime
from service_kit.service import Service
from service_kit.telemetry import Telemetry
from shop import TOPICS, shop


def runtime(stack_settings, service) -> Runtime:
    return Runtime(
        service,
        stack_settings,
        telemetry=Telemetry(service.name),
        producer=Producer(stack_settings),
    )


@pytest.mark.real
async def test_each_claims_the_first_free_ordinal_and_sees_its_loss(stack):
    async with AsyncExitStack() as exits:
        claims = [
            await exits.enter_async_context(claimed(runtime(stack.settings(), shop())))
            for _ in range(3)
        ]
        assert [claim.ordinal for claim in claims] == [0, 1, 2]
        other = await runtime(stack.settings(), shop()).database.connect()
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            " AND objid = 1 AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())"
        )
        await other.close()
        await asyncio.wait_for(claims[1].lost.wait(), 5)
        assert not claims[0].lost.is_set()


@pytest.mark.real
async def test_a_taken_ordinal_is_waited_for(stack):
    fixed = runtime(stack.settings(ordinal=0), shop())
    async with AsyncExitStack() as later:
        async with claimed(fixed):
            waiting = asyncio.create_task(later.enter_async_context(claimed(fixed)))
            await asyncio.sleep(0.3)
            assert not waiting.done()
        assert (await asyncio.wait_for(waiting, 5)).ordinal == 0


async def test_without_a_database_a_file_is_locked(tmp_path, kit_settings):
    settings = kit_settings(state_folder=tmp_path, database=None)
    service = Service(name="web", topics=TOPICS)
    async with (
        claimed(runtime(settings, service)) as first,
        claimed(runtime(settings, service)) as second,
    ):
        assert (first.ordinal, second.ordinal) == (0, 1)
    async with claimed(runtime(settings, service)) as again:
        assert again.ordinal == 0
