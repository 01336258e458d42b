"""The HTTP edge: problems everywhere, health with reasons, a guarded inside, watched requests."""

import asyncio
import json
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from litestar import Litestar, get, post
from litestar.params import FromPath, JSONBody
from litestar.testing import TestClient
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from pydantic import BaseModel
from service_kit.http import Internal, create_app, serve
from service_kit.problems import Rejected
from service_kit.settings import KitSettings
from service_kit.telemetry import Telemetry, current_traceparent

TOKEN = "9f2c7d1e5b8a4036"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}
SAMPLED = f"00-{'ab' * 16}-{'cd' * 8}-01"


class Order(BaseModel):
    """A request body."""

    order_id: str
    amount_minor: int


@get("/orders/{order_id:str}")
async def show(order_id: FromPath[str]) -> dict[str, str | None]:
    """One order."""
    return {"order_id": order_id, "traceparent": current_traceparent()}


@post("/orders")
async def place(data: JSONBody[Order]) -> Order:
    """Place an order."""
    return data


@get("/broken")
async def broken() -> None:
    """Fail."""
    raise RuntimeError("a bug about ada@example.com")


class Kit:
    """A service behind the routes, with answers to set and calls to look at."""

    def __init__(self) -> None:
        self.reasons: Sequence[str] | Exception = []
        self.calls: list[tuple[str, ...]] = []

    async def not_ready(self) -> Sequence[str]:
        if isinstance(self.reasons, Exception):
            raise self.reasons
        return self.reasons

    async def status(self) -> Mapping[str, object]:
        return {"unpublished": 0}

    async def parked(self, limit: int) -> Sequence[Mapping[str, object]]:
        return [{"source": "a/b", "id": "x/1"}][:limit]

    async def parked_one(self, source: str, event_id: str) -> Mapping[str, object] | None:
        return {"source": source, "id": event_id} if (source, event_id) == ("a/b", "x/1") else None

    async def release(self, source: str, event_id: str, actor: str) -> Mapping[str, object]:
        self.calls.append(("release", source, event_id, actor))
        return {"outcome": "applied"}

    async def discard(self, source: str, event_id: str, actor: str) -> Mapping[str, object]:
        raise Rejected(status=409, type="behind", title="It is behind another event")

    def internal(self) -> Internal:
        return Internal(
            not_ready=self.not_ready,
            status=self.status,
            parked=self.parked,
            parked_one=self.parked_one,
            release=self.release,
            discard=self.discard,
        )


@pytest.fixture
def kit() -> Kit:
    """The service behind the routes."""
    return Kit()


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """The spans that ended."""
    return InMemorySpanExporter()


@pytest.fixture
def settings() -> KitSettings:
    """Settings with a free port and a low limit."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return KitSettings(operator_token=TOKEN, port=port, request_max_bytes=1_000, stop_seconds=5)


@pytest.fixture
def app(kit: Kit, spans: InMemorySpanExporter, settings: KitSettings) -> Litestar:
    """The application under test."""
    telemetry = Telemetry("orders", ratio=0.0, processor=SimpleSpanProcessor(spans))
    return create_app(
        [show, place, broken], settings=settings, internal=kit.internal(), telemetry=telemetry
    )


@pytest.fixture
def client(app: Litestar) -> TestClient[Litestar]:
    """A caller."""
    return TestClient(app)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (("GET", "/nowhere"), 404),
        (("PUT", "/orders"), 405),
        (("POST", "/orders", b"{"), 400),
        (("POST", "/orders", b'{"order_id": "o1"}'), 422),
        (("POST", "/orders", b'{"order_id": "o1", "amount_minor": "ada@example.com"}'), 422),
        (("POST", "/orders", b"\xff\xfe"), 400),
        (("POST", "/orders", b'"' + b"x" * 2_000 + b'"'), 413),
        (("GET", "/broken"), 500),
        (("GET", "/internal/status"), 401),
    ],
)
def test_every_error_is_a_problem_document(
    client: TestClient[Litestar], request_: tuple[Any, ...], status: int
) -> None:
    method, path, *body = request_
    answer = client.request(method, path, content=body[0] if body else None)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert "ada" not in answer.text


def test_invalid_fields_are_named(client: TestClient[Litestar]) -> None:
    answer = client.post("/orders", json={"amount_minor": "x"})
    assert set(answer.json()["fields"]) == {"order_id", "amount_minor"}


def test_it_lives_whatever_happens_and_is_ready_without_reasons(
    client: TestClient[Litestar], kit: Kit
) -> None:
    assert client.get("/health/ready").json() == {"ready": True, "reasons": []}
    kit.reasons = ["no partitions are assigned yet"]
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "reasons": ["no partitions are assigned yet"]}
    kit.reasons = ConnectionRefusedError("db")
    assert client.get("/health/ready").json()["reasons"] == [
        "readiness could not be told: ConnectionRefusedError"
    ]
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer wrong", TOKEN, f"Basic {TOKEN}"])
def test_the_inside_needs_the_operator_token(client: TestClient[Litestar], token: str) -> None:
    for method, path in (
        ("GET", "/internal/status"),
        ("GET", "/internal/parked"),
        ("GET", "/internal/parked/event?source=a&id=b"),
        ("POST", "/internal/parked/release"),
        ("POST", "/internal/parked/discard"),
    ):
        answer = client.request(method, path, headers={"Authorization": token})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_an_operator_sees_the_state_and_decides_about_parked_events(
    client: TestClient[Litestar], kit: Kit
) -> None:
    client.headers.update(OPERATOR)
    assert client.get("/internal/status").json() == {"unpublished": 0}
    assert client.get("/internal/parked?limit=5").json() == [{"source": "a/b", "id": "x/1"}]
    assert client.get("/internal/parked?limit=0").status_code == 422
    found = client.get("/internal/parked/event", params={"source": "a/b", "id": "x/1"})
    assert found.json() == {"source": "a/b", "id": "x/1"}
    missing = client.get("/internal/parked/event", params={"source": "a/b", "id": "x/2"})
    assert missing.status_code == 404
    verdict = {"source": "a/b", "id": "x/1", "actor": "op-7"}
    assert client.post("/internal/parked/release", json=verdict).json() == {"outcome": "applied"}
    assert kit.calls == [("release", "a/b", "x/1", "op-7")]
    assert client.post("/internal/parked/discard", json=verdict).status_code == 409
    assert client.post("/internal/parked/discard", json={"source": "a"}).status_code == 422


def test_the_document_is_json_and_nothing_loads_foreign_assets(
    client: TestClient[Litestar],
) -> None:
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {"/orders/{order_id}", "/orders", "/broken"}
    assert "://" not in json.dumps(document)
    for path in ("/", "/schema", "/docs", "/openapi.json/swagger"):
        assert "://" not in client.get(path).text


def test_a_sampled_request_joins_its_callers_trace(
    client: TestClient[Litestar], spans: InMemorySpanExporter
) -> None:
    answer = client.get("/orders/o-1?mail=ada", headers={"traceparent": SAMPLED})
    (span,) = spans.get_finished_spans()
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "cd" * 8
    assert span.name == "GET /orders/{order_id}"
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/orders/{order_id}",
        "http.response.status_code": 200,
    }
    inner = answer.json()["traceparent"]
    assert span.context is not None
    assert inner == f"00-{'ab' * 16}-{span.context.span_id:016x}-01"


@pytest.mark.parametrize(
    "given", [None, "rubbish", SAMPLED.upper(), f"00-{'0' * 32}-{'1' * 16}-01"]
)
def test_without_a_valid_traceparent_sampling_is_decided_here(
    client: TestClient[Litestar], spans: InMemorySpanExporter, given: str | None
) -> None:
    answer = client.get("/orders/o-1", headers={"traceparent": given} if given else {})
    assert answer.json()["traceparent"].endswith("-00")
    assert not spans.get_finished_spans()


def test_requests_are_counted_by_route_not_by_path(client: TestClient[Litestar]) -> None:
    def count(route: str, status: str) -> float:
        labels = {"method": "GET", "route": route, "status": status}
        return REGISTRY.get_sample_value("goodword_http_requests_total", labels) or 0

    before = count("/orders/{order_id}", "200"), count("unmatched", "404")
    client.get("/orders/counted-1")
    client.get("/orders/counted-2")
    client.get("/nowhere/at-all")
    after = count("/orders/{order_id}", "200"), count("unmatched", "404")
    assert after == (before[0] + 2, before[1] + 1)
    page = client.get("/metrics").text
    assert "goodword_events_handled" in page
    assert "counted-1" not in page


async def test_the_server_answers_what_is_in_flight_before_it_stops(settings: KitSettings) -> None:
    entered, stop = asyncio.Event(), asyncio.Event()

    @get("/slow")
    async def slow() -> str:
        entered.set()
        await stop.wait()
        await asyncio.sleep(0.05)
        return "done"

    app = create_app(
        [slow], settings=settings, internal=Kit().internal(), telemetry=Telemetry("orders")
    )
    serving = asyncio.create_task(serve(app, settings, stop))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}") as caller:
        asking = asyncio.create_task(_answer(caller, "/slow"))
        await asyncio.wait_for(entered.wait(), 10)
        stop.set()
        assert (await asking).text == "done"
    await asyncio.wait_for(serving, 10)


async def _answer(caller: httpx.AsyncClient, path: str) -> httpx.Response:
    """Ask until the server is there; the test's timeout is the deadline."""
    while True:
        try:
            return await caller.get(path)
        except httpx.ConnectError:
            await asyncio.sleep(0)


async def test_a_taken_port_is_an_error_not_a_silent_end(
    app: Litestar, settings: KitSettings
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.port))
        taken.listen()
        with pytest.raises(OSError, match=r"(?i)address|in use"):
            await asyncio.wait_for(serve(app, settings, asyncio.Event()), 10)
