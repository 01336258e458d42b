"""A service as a process: it starts, answers, stops in order, and survives a kill at any point."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from kit_stack import Stack, eventually, free_port, published, record, send
from service_kit.crash import CRASH_POINTS
from service_kit.producer import Producer, Record
from service_kit.testing import Harness
from shared_schemas.envelope import Envelope
from shop import OrderChanged, OrderPlaced, OrderTaken, ProductListed

pytestmark = pytest.mark.real

TOKEN = "0123456789abcdef-token"
SCRIPT = Path(__file__).parent / "shop_main.py"


class Running:
    """One process of the sample service."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    async def ready(self) -> None:
        """Wait until it is ready."""
        async with asyncio.timeout(30), httpx.AsyncClient() as client:
            while True:
                assert self.process.returncode is None, "it ended while it was starting"
                try:
                    if (await client.get(f"{self.url}/health/ready")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    async def status(self) -> dict:
        """`/internal/status`."""
        async with httpx.AsyncClient() as client:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            return (await client.get(f"{self.url}/internal/status", headers=headers)).json()

    async def ended(self, seconds: float = 20) -> int:
        """Its exit code."""
        return await asyncio.wait_for(self.process.wait(), seconds)


@asynccontextmanager
async def running(stack: Stack, folder: Path, **environment: str) -> AsyncIterator[Running]:
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        cwd=folder,
        stdout=(folder / "log").open("a"),
        stderr=asyncio.subprocess.STDOUT,
        env=kept
        | {
            "GOODWORD_KAFKA": stack.kafka,
            "GOODWORD_TOPIC_PREFIX": stack.prefix,
            "GOODWORD_DATABASE": stack.url,
            "GOODWORD_OPERATOR_TOKEN": TOKEN,
            "GOODWORD_PORT": str(port),
            "GOODWORD_GROUP_SESSION_SECONDS": "6",
            "GOODWORD_RETRY_MOST_SECONDS": "0.3",
        }
        | environment,
    )
    try:
        yield Running(process, port)
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 25)


@pytest_asyncio.fixture(loop_scope="session")
async def producer(stack: Stack):
    running_producer = Producer(stack.settings())
    yield running_producer
    await running_producer.stop()


def product(name: str) -> Record:
    data = ProductListed(product=name)
    envelope = Envelope(event_id=name, event_type=data.TYPE, source="web", time=datetime.now(UTC))
    return Record("web.products", name.encode(), envelope.to_headers(), data.to_json())


async def test_it_answers_consumes_relays_and_stops_with_zero(stack, producer, tmp_path):
    async with running(stack, tmp_path) as service:
        await service.ready()
        await send(producer, record(OrderPlaced(order_id="o1"), 1))
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{service.url}/orders", json={"order_id": "o2"})
        assert answer.status_code == 201
        taken = [OrderTaken.model_validate_json(r.value) for r in await published(stack, 2)]
        assert {data.order_id for data in taken} == {"o1", "o2"}
        status = await service.status()
        assert status["instance"] == 0
        assert status["tables_at_end"] is True
        assert "kit loop tick" in status["tasks"]  # begun again after its failure
        service.process.send_signal(signal.SIGTERM)
        assert await service.ended() == 0


async def test_a_second_process_takes_the_next_ordinal(stack, tmp_path):
    async with running(stack, tmp_path) as first:
        await first.ready()
        async with running(stack, tmp_path) as second:
            await second.ready()
            assert (await first.status())["instance"] == 0
            assert (await second.status())["instance"] == 1


async def test_losing_the_instance_lock_ends_the_process(stack, tmp_path, harness):
    async with running(stack, tmp_path) as service:
        await service.ready()
        await harness.fetch(
            """
            SELECT pg_terminate_backend(pid) FROM pg_locks
             WHERE locktype = 'advisory' AND objsubid = 2 AND classid = x'6f726469'::int
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """
        )
        assert await service.ended() == 1


POINTS = [point for point in CRASH_POINTS if "release" not in point]


@pytest.mark.parametrize("point", POINTS)
async def test_a_kill_at_any_point_loses_and_doubles_nothing(
    stack, producer, harness, tmp_path, point
):
    places = [OrderPlaced(order_id=f"o{n}", ship_after_seconds=0) for n in range(20)]
    waits = [OrderPlaced(order_id=f"w{n}", product="soap") for n in range(12)]
    bad = [OrderPlaced(order_id="bad", mood="fails")]
    changes = [OrderChanged(order_id="c", step=n) for n in range(20)]
    events = [*places, *waits, *bad, *changes]
    few = {"GOODWORD_BATCH_MAX_RECORDS": "5"}  # so that a fact leaves some that wait for it
    async with running(stack, tmp_path, GOODWORD_CRASH_AT=point, **few) as service:
        await send(producer, *(record(data, n) for n, data in enumerate(events)))
        await eventually(lambda: dead_or_waiting(service, harness, len(waits)), 30)
        await send(producer, product("soap"))
        assert await service.ended(30) == -signal.SIGKILL
    async with running(stack, tmp_path) as service:
        await service.ready()
        await eventually(lambda: settled(service), 40)
    applied = await harness.fetch("SELECT order_id, step, times FROM orders ORDER BY place")
    assert all(row["times"] == 1 for row in applied)
    counts = Counter(row["order_id"] for row in applied)
    once = [data.order_id for data in (*places, *waits)]
    assert counts == dict.fromkeys(once, 1) | {"c": 20}
    assert [row["step"] for row in applied if row["order_id"] == "c"] == list(range(20))
    assert len(await harness.fetch("SELECT FROM shipped")) == 20
    assert [row.reason for row in await harness.parked()] == ["handler_failed"]
    ids = {Envelope.from_headers(r.headers).event_id for r in await published(stack, 72)}
    assert len(ids) == 72  # 52 taken, 20 shipped


async def dead_or_waiting(service: Running, harness: Harness, count: int) -> bool:
    return service.process.returncode is not None or len(await harness.waiting()) == count


async def settled(service: Running) -> bool:
    status = await service.status()
    return (
        sum(status["lag"].values()) == 0
        and status["unpublished"] == 0
        and status["waiting"] == 0
        and status["next_due_at"] is None
        and status["tables_at_end"]
    )
