"""What the process does around its parts: in which order they begin, and what a failure leaves."""

import asyncio

import asyncpg
import pytest
from kit_stack import Stack, eventually
from pydantic import SecretStr
from service_kit.database import Database
from service_kit.main import Process, consume
from service_kit.producer import Producer
from service_kit.runtime import Runtime
from service_kit.settings import KitSettings
from service_kit.telemetry import Telemetry
from shop import shop


def runtime_of(settings: KitSettings) -> Runtime:
    return Runtime(shop(), settings, telemetry=Telemetry("shop"), producer=Producer(settings))


class Listening:
    """A consumer that only says that it runs."""

    def __init__(self) -> None:
        self.runs = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        self.runs.set()
        await stop.wait()


async def test_consuming_begins_when_the_tables_are_read(kit_settings) -> None:
    runtime, consumer, stop = runtime_of(kit_settings()), Listening(), asyncio.Event()
    consuming = asyncio.create_task(consume(runtime, consumer, stop, 60))
    await asyncio.sleep(0)
    assert not consumer.runs.is_set()
    runtime.tables_at_end.set()
    await asyncio.wait_for(consumer.runs.wait(), 5)
    stop.set()
    await consuming


async def test_tables_that_are_never_read_do_not_keep_it_from_consuming_for_ever(kit_settings):
    runtime, consumer, stop = runtime_of(kit_settings()), Listening(), asyncio.Event()
    consuming = asyncio.create_task(consume(runtime, consumer, stop, 0.01))
    await asyncio.wait_for(consumer.runs.wait(), 5)
    stop.set()
    await consuming


async def test_a_stop_while_it_waits_for_the_tables_begins_nothing(kit_settings) -> None:
    runtime, consumer, stop = runtime_of(kit_settings()), Listening(), asyncio.Event()
    consuming = asyncio.create_task(consume(runtime, consumer, stop, 60))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(consuming, 5)
    assert not consumer.runs.is_set()


class Refusing(Database):
    """A database that has no connection left for the instance lock, twice."""

    def begin(self) -> "Refusing":
        object.__setattr__(self, "connects", 0)
        object.__setattr__(self, "pools", [])
        return self

    async def open_pool(self, init=None) -> asyncpg.Pool:
        self.pools.append(await super().open_pool(init))
        return self.pools[-1]

    async def connect(self) -> asyncpg.Connection:
        object.__setattr__(self, "connects", self.connects + 1)
        if self.connects in (2, 4):  # each start migrates first
            raise asyncpg.TooManyConnectionsError("sorry, too many clients already")
        return await super().connect()


@pytest.mark.real
async def test_a_start_that_fails_leaves_no_pool_behind(stack: Stack) -> None:
    database = Refusing(url=stack.url).begin()

    class Settings(KitSettings):
        def postgres(self, application_name: str) -> Database:
            return database

    given = stack.settings().model_dump() | {"database": SecretStr(stack.url)}
    runtime, stop = runtime_of(Settings(**given)), asyncio.Event()
    process = Process(runtime, stop)
    working = asyncio.create_task(process.run())
    await eventually(lambda: process.parts.started)
    open_pools = [pool for pool in database.pools if not pool.is_closing()]
    stop.set()
    await asyncio.wait_for(working, 20)
    assert len(open_pools) == 1
    assert all(pool.is_closing() for pool in database.pools)
