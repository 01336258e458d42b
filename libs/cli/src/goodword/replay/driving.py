"""Drives the front door: every click of a journey in its order, then its conversion in a batch."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from urllib.parse import urlsplit

import httpx
from shared_schemas.money import Money, split

from ..demo.patience import post
from ..errors import PlatformError
from .paths import CURRENCY, Route

JOURNEYS_AT_ONCE = 48
BATCH = 200
_SECONDS = 60.0
_FOUND = b"HTTP/1.1 302"


class NotRedirected(PlatformError):
    """A link did not lead on."""

    def __init__(self, code: str, answer: bytes) -> None:
        said = answer.partition(b"\r\n")[0].decode("latin-1")
        super().__init__(f"The link {code} was answered {said!r} instead of a redirect.")


class Line:
    """One kept-alive connection that follows links: a redirect has headers and no body."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, tracking: str) -> "Line":
        """Connect to tracking."""
        parts = urlsplit(tracking)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def click(self, code: str, visitor: str) -> None:
        """Follow a link, with the cookie of a visitor. Raises NotRedirected."""
        self._writer.write(
            f"GET /r/{code} HTTP/1.1\r\nHost: replay\r\nCookie: gw_v={visitor}\r\n\r\n".encode()
        )
        async with asyncio.timeout(_SECONDS):
            answer = await self._reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(_FOUND):
            raise NotRedirected(code, answer)

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


@dataclass(slots=True)
class Till:
    """Collects conversions and reports them in batches."""

    http: httpx.AsyncClient
    key: str
    _waiting: list[dict[str, object]] = field(default_factory=list)

    async def ring(self, order: str, visitor: str, value_minor: int) -> None:
        """A visitor bought something now."""
        amount = str(Money.of(value_minor, CURRENCY)).partition(" ")[0]
        self._waiting.append(
            {
                "type": "track",
                "event": "Order Completed",
                "messageId": order,
                "anonymousId": visitor,
                "timestamp": datetime.now(UTC).isoformat(),
                "properties": {"order_id": order, "total": amount, "currency": CURRENCY},
            }
        )
        if len(self._waiting) >= BATCH:
            await self.report()

    async def report(self) -> None:
        """Send what has been collected. Raises PlatformError unless all of it is taken."""
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        answer = await post(self.http, "/v1/batch", self.key, {"batch": batch})
        results = answer.json().get("results", {})
        refused = [name for name, result in results.items() if result["result"] != "ok"]
        if answer.status_code != httpx.codes.OK or refused:
            raise PlatformError(f"A batch was answered {answer.status_code}: {answer.text[:300]}")


async def drive(
    tracking: str, key: str, routes: Sequence[Route], advance: Callable[[int], None]
) -> None:
    """All journeys of these routes; `advance` is told of clicks as they are made."""
    waiting = _journeys(routes)
    async with httpx.AsyncClient(base_url=tracking, timeout=_SECONDS) as http:
        till = Till(http, key)
        try:
            async with asyncio.TaskGroup() as visitors:
                for _ in range(JOURNEYS_AT_ONCE):
                    visitors.create_task(_visit(tracking, waiting, till, advance))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        await till.report()


@dataclass(frozen=True, slots=True)
class _Journey:
    channels: tuple[str, ...]
    visitor: str
    order: str | None
    value_minor: int


async def _visit(
    tracking: str, waiting: Iterator[_Journey], till: Till, advance: Callable[[int], None]
) -> None:
    """One visitor after the other, over one connection."""
    line = await Line.open(tracking)
    try:
        for journey in waiting:
            for channel in journey.channels:
                await line.click(channel, journey.visitor)
            advance(len(journey.channels))
            if journey.order is not None:
                await till.ring(journey.order, journey.visitor, journey.value_minor)
    finally:
        await line.close()


def _journeys(routes: Iterable[Route]) -> Iterator[_Journey]:
    for route in routes:
        values = split(route.value_minor, dict.fromkeys(route.orders, Fraction(1)))
        orders = [*route.orders, *[None] * route.nulls]
        for n, order in enumerate(orders):
            value = values[order] if order is not None else 0
            yield _Journey(route.channels, route.visitor(n), order, value)
