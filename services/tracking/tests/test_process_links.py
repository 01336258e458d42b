"""Links on the real process, HTTP server and broker: floods, and payloads as bytes on the wire."""

import asyncio
import json
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from local_stack.infrastructure import Infrastructure
from service_kit.producer import Producer
from shared_schemas.events.tracking import ClickRecorded

from .builders import settings
from .processes import Running, create_topics, published, running, table_records

pytestmark = pytest.mark.real
TABLE = json.loads(
    (Path(__file__).parents[3] / "libs/shared-schemas/tests/open_redirects.json").read_text()
)
PAYLOADS = [
    trick.format(foreign=foreign, own=TABLE["own"])
    for trick in TABLE["tricks"]
    for foreign in TABLE["foreign"]
]
FLOODERS, CALM = 48, 100
LONG_SECONDS = 30


@pytest.fixture
async def kafka(infrastructure: Infrastructure, topic_prefix: str) -> str:
    await create_topics(infrastructure.kafka_bootstrap, topic_prefix)
    producer = Producer(settings(kafka=infrastructure.kafka_bootstrap, topic_prefix=topic_prefix))
    told = table_records(codes=("anna", "hot"))
    assert await producer.send_all(told, deadline_seconds=20) == [None] * len(told)
    await producer.stop()
    return infrastructure.kafka_bootstrap


async def answered(reader: asyncio.StreamReader) -> bytes:
    """The head of one answer; its body is read too."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    await reader.readexactly(int(length[1]) if length else 0)
    return head


async def flood(port: int, stop: asyncio.Event) -> int:
    """Follow one code as fast as it answers; how often it did."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    clicks = 0
    while not stop.is_set():
        writer.write(b"GET /r/hot HTTP/1.1\r\nHost: t\r\n\r\n")
        assert b" 302 " in await answered(reader)
        clicks += 1
    writer.close()
    return clicks


async def calm(port: int) -> list[float]:
    """Seconds that each of a hundred clicks on another code took, in order of size."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took = []
    for _ in range(CALM):
        begun = time.perf_counter()
        writer.write(b"GET /r/anna HTTP/1.1\r\nHost: t\r\n\r\n")
        assert b" 302 " in await answered(reader)
        took.append(time.perf_counter() - begun)
    writer.close()
    return sorted(took)


async def count(tracking: Running, outcome: str) -> float:
    text = (await tracking.client.get("/metrics")).text
    name = rf'goodword_clicks_overflowed_total{{outcome="{outcome}"}} (\S+)'
    found = re.search(name, text)
    return float(found[1]) if found else 0.0


def told(name: str, took: Sequence[float]) -> None:
    middle, late = took[len(took) // 2], took[len(took) * 99 // 100]
    print(f"{name}: p50 {middle * 1e3:.1f} ms, p99 {late * 1e3:.1f} ms")  # noqa: T201


@pytest.mark.parametrize("most", [2, 64])
async def test_a_flood_on_one_code_loses_no_click_of_its_own_or_of_a_neighbour(
    kafka: str, topic_prefix: str, tmp_path: Path, most: int
) -> None:
    lane = {"code_waiting_max": most, "overflow_max": 1_000_000}
    async with running(kafka, topic_prefix, tmp_path, **lane) as tracking:
        await tracking.answers("/r/anna", 302)
        port, stop = urlsplit(tracking.url).port or 0, asyncio.Event()
        quiet = await calm(port)
        flooding = [asyncio.create_task(flood(port, stop)) for _ in range(FLOODERS)]
        flooded = await calm(port)
        stop.set()
        clicks = sum(await asyncio.gather(*flooding))
        told(f"alone, lane {most}", quiet)
        told(f"beside {clicks} clicks on another code, lane {most}", flooded)
        async with asyncio.timeout(LONG_SECONDS):
            while await count(tracking, "aside") > await count(tracking, "recorded"):
                await tracking.answers("/r/nobody", 404)
        assert (await count(tracking, "aside") > 0) is (most < FLOODERS)
        assert await count(tracking, "lost") == 0
        found = await published(kafka, topic_prefix, clicks + 2 * CALM + 1)
    touches = [event for _, event in found if isinstance(event, ClickRecorded)]
    assert len({touch.touch_id for touch in touches}) == len(touches) == clicks + 2 * CALM + 1
    assert flooded[len(flooded) // 2] < 1


async def test_no_bytes_on_the_wire_lead_to_a_foreign_host(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    async with running(kafka, topic_prefix, tmp_path) as tracking:
        await tracking.answers("/r/anna", 302)
        port, led = urlsplit(tracking.url).port or 0, 0
        for payload in PAYLOADS:
            raw = payload.encode().replace(b"\r\n", b"%0d%0a").replace(b" ", b"%20")
            for target in (raw, b"/" + raw, b"/r/" + raw, b"/r/anna?to=" + raw, b"/r/anna/" + raw):
                head = await asked(port, target, raw)
                where = re.search(rb"\r\nlocation: ([^\r\n]*)", head, re.IGNORECASE)
                if where is not None:
                    led += 1
                    assert urlsplit(where[1].decode()).hostname == TABLE["own"], target
        assert led > 200


async def asked(port: int, target: bytes, host: bytes) -> bytes:
    """The head of the answer to a request target as it is, on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: t\r\nX-Forwarded-Host: " + host)
    writer.write(b"\r\nConnection: close\r\n\r\n")
    head = b""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LONG_SECONDS)
    writer.close()
    return head
