"""Three hundred open-redirect payloads and more: nobody is led to a foreign host."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
from litestar import Litestar
from litestar.types import Message, Scope
from service_kit.telemetry import Telemetry

from .builders import link, registry
from .doors import application, site

TABLE = json.loads(
    (Path(__file__).parents[3] / "libs/shared-schemas/tests/open_redirects.json").read_text()
)
OWN = TABLE["own"]
PAYLOADS = [
    trick.format(foreign=foreign, own=OWN)
    for trick in TABLE["tricks"]
    for foreign in TABLE["foreign"]
]
NAMES = ("to", "url", "next", "redirect", "u", "market", "language", "gw", "destination")


def requests(payload: str) -> Iterator[tuple[str, bytes, dict[bytes, bytes]]]:
    """Path as a server has decoded it, raw query, headers."""
    raw = payload.encode("utf-8", "replace")
    text = quote(payload, safe="").encode()
    for name in NAMES:
        yield "/r/anna", name.encode() + b"=" + text, {}
    yield "/r/anna", raw.replace(b"\r\n", b""), {}
    yield "/r/" + payload, b"", {}
    yield "/r/anna/" + payload, b"", {}
    yield "/" + payload, b"", {}
    yield payload, b"", {}
    spoken = raw.replace(b"\r\n", b"").replace(b"\0", b"")
    yield "/r/anna", b"", {b"host": spoken, b"x-forwarded-host": spoken, b"referer": spoken}
    yield "/r/anna", b"", {b"accept-language": spoken, b"cookie": b"gw_v=" + spoken}


async def location(
    app: Litestar, path: str, query: bytes, headers: dict[bytes, bytes]
) -> str | None:
    """Where the application leads, asked as its server would."""
    scope: Scope = {  # type: ignore[typeddict-item]
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": query,
        "root_path": "",
        "headers": [*({b"host": b"t.example"} | headers).items()],
        "client": ("192.0.2.7", 4711),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    started: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        started.append(message)

    await app(scope, receive, send)
    found = {name.lower(): value for name, value in started[0]["headers"]}  # type: ignore[typeddict-item]
    assert started[0]["status"] < 500, path  # type: ignore[typeddict-item]
    led = found.get(b"location")
    return led.decode() if led is not None else None


async def test_no_request_is_led_to_a_foreign_host() -> None:
    asked = led = 0
    async with site(destination_hosts=OWN) as here:
        app = application(here.door, Telemetry("tracking", ratio=0))
        for payload in PAYLOADS:
            for path, query, headers in requests(payload):
                asked += 1
                where = await location(app, path, query, headers)
                if where is None:
                    continue
                led += 1
                assert urlsplit(where).hostname == OWN, (path, query, headers, where)
                assert httpx.URL(where).host == OWN
    assert len(PAYLOADS) >= 300
    assert led >= len(NAMES) * len(PAYLOADS)  # most of them did follow a link
    assert asked > 3_000


async def test_no_payload_that_came_over_the_wire_is_followed() -> None:
    known = registry(*(link(f"x{n}", destination=one) for n, one in enumerate(PAYLOADS)))
    async with site(known, destination_hosts=OWN) as here:
        for number in range(len(PAYLOADS)):
            answer = await here.client.get(f"/r/x{number}")
            assert answer.status_code == 410, PAYLOADS[number]
            assert "location" not in answer.headers
        assert here.broker.records == []
