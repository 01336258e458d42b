"""Table topics on a real broker: whole, in every instance, whatever a record holds."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from kit_stack import Stack, eventually
from service_kit.producer import Producer, Record
from service_kit.runtime import Runtime
from service_kit.service import Service
from service_kit.tables import TableReader
from service_kit.telemetry import Telemetry
from shared_schemas.envelope import Envelope
from shop import TOPICS, ProductListed

pytestmark = pytest.mark.real


@pytest_asyncio.fixture(loop_scope="session")
async def producer(stack: Stack):
    running = Producer(stack.settings())
    yield running
    await running.stop()


@asynccontextmanager
async def reading(runtime: Runtime):
    stop = asyncio.Event()
    reader = TableReader(runtime)
    task = asyncio.create_task(reader.run(stop))
    try:
        yield reader
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def list_products(producer: Producer, *products: ProductListed, body=...) -> None:
    records = []
    for data in products:
        envelope = Envelope(
            event_id=f"{data.product}{data.revision}",
            event_type=data.TYPE,
            source="web",
            time=Runtime.now(None),
        )
        value = data.to_json() if body is ... else body
        records.append(Record("web.products", data.product.encode(), envelope.to_headers(), value))
    assert not any(await producer.send_all(records, deadline_seconds=10))


async def test_every_start_reads_a_table_whole_and_a_bad_record_stops_nothing(stack, producer):
    await list_products(producer, ProductListed(product="soap"), ProductListed(product="salt"))
    await list_products(producer, ProductListed(product="bad"), body=b"{")
    await list_products(producer, ProductListed(product="gone"), body=None)
    await list_products(producer, ProductListed(product="worse", mood="fails"))
    await list_products(producer, ProductListed(product="soap", revision=2))
    for _ in range(2):
        runtime = await stack.runtime()
        async with reading(runtime):
            assert not runtime.tables_at_end.is_set()
            await eventually(runtime.tables_at_end.is_set)
        rows = await runtime.pool.fetch("SELECT product, revision FROM products ORDER BY product")
        assert [tuple(row) for row in rows] == [("salt", 1), ("soap", 2)]
        await runtime.close_pool()


async def test_an_empty_table_is_at_its_end(stack):
    runtime = await stack.runtime()
    async with reading(runtime):
        await eventually(runtime.tables_at_end.is_set)
    await runtime.close_pool()


async def test_without_a_database_the_service_keeps_what_it_hears(stack, producer):
    heard = []

    async def remember(events) -> None:
        if events[0].data.mood == "fails":
            raise ValueError
        heard.extend(event.data.product for event in events)

    settings = stack.settings(database=None)
    service = Service(name="web", topics=TOPICS, tables=(ProductListed,), remember=remember)
    runtime = Runtime(service, settings, telemetry=Telemetry("web"), producer=Producer(settings))
    async with reading(runtime):
        await eventually(runtime.tables_at_end.is_set)
        await list_products(producer, ProductListed(product="bad", mood="fails"))
        await list_products(producer, ProductListed(product="soap"))
        await eventually(lambda: heard == ["soap"])
