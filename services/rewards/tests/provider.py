"""A provider that misbehaves on request: silent, late, doubled, broken, lying. Loopback only."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Headers = dict[str, str]
Behaviour = Callable[["Provider", str, dict[str, object]], "tuple[int, object] | None"]


@dataclass
class Provider:
    """What it was told, and what it really paid. `behaviours` are used up, then it is honest."""

    url: str = ""
    paid: dict[str, int] = field(default_factory=dict)
    posts: list[tuple[Headers, bytes]] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    behaviours: list[Behaviour] = field(default_factory=list)
    silence: asyncio.Event = field(default_factory=asyncio.Event)

    def pay(self, payout_id: str, amount_minor: int) -> tuple[int, object]:
        """Pay once per payout id, and say so."""
        self.paid.setdefault(payout_id, amount_minor)
        return 200, self.settled(payout_id)

    def settled(self, payout_id: str) -> dict[str, object]:
        """The honest answer about a payment."""
        return {"payout_id": payout_id, "state": "settled", "reference": f"ref-{payout_id[:8]}"}

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, object] | None:
        """A status and a JSON body; None is silence."""
        payout_id = (
            path.rsplit("/", 1)[-1] if method == "GET" else str(json.loads(body)["payout_id"])
        )
        request = json.loads(body) if body else {}
        if method == "GET":
            self.asks.append(payout_id)
        if self.behaviours:
            return self.behaviours.pop(0)(self, payout_id, request)
        if method == "POST":
            return self.pay(payout_id, int(str(request["amount_minor"])))
        return (200, self.settled(payout_id)) if payout_id in self.paid else (404, {})


@asynccontextmanager
async def running() -> AsyncIterator[Provider]:
    """A provider that listens."""
    provider = Provider()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, path, headers, body = await _request(reader)
        if method == "POST":
            provider.posts.append((headers, body))
        answer = provider.answer(method, path, body)
        if answer is None:
            await provider.silence.wait()
        else:
            status, value = answer
            text = value if isinstance(value, bytes) else json.dumps(value).encode()
            location = f"location: {provider.url}/elsewhere\r\n" if status == 302 else ""
            head = f"HTTP/1.1 {status} X\r\n{location}content-length: {len(text)}\r\n"
            writer.write(head.encode() + b"connection: close\r\n\r\n" + text)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    provider.url = f"http://localhost:{server.sockets[0].getsockname()[1]}/payouts"
    try:
        yield provider
    finally:
        provider.silence.set()
        server.close()


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, Headers, bytes]:
    method, path, _ = (await reader.readline()).decode().split(" ", 2)
    headers: Headers = {}
    while line := (await reader.readline()).decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return method, path, headers, body
