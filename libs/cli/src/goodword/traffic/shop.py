"""A shop's server: follows links for its customers and reports what they do until it is taken."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx

from ..errors import PlatformError
from .organisation import CURRENCY

Message = dict[str, Any]
TAKEN: Final = ("ok", "warning")
_AGAIN_SECONDS = (0.1, 2.0)
_ANSWER_SECONDS = 30.0


class NotTaken(PlatformError):
    """The door did not take a call in time."""

    def __init__(self, url: str, last: str) -> None:
        super().__init__(f"{url} did not take a call in time; the last answer was {last}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One client of the front door at `url`, with its secret key."""

    http: httpx.AsyncClient
    url: str
    key: str

    async def token(self, code: str, visitor: str) -> str:
        """Follow a link; the token with which it leads to the shop. Raises NotTaken."""
        answer = await self._until(
            "GET", f"/r/{code}", {"cookies": {"gw_v": visitor}}, httpx.codes.FOUND
        )
        return parse_qs(urlsplit(answer.headers["location"]).query)["gw"][0]

    async def tokens(self, codes: Sequence[str], at_once: int = 8) -> list[str]:
        """One token a code, each by a redirect of its own."""
        turn = asyncio.Semaphore(at_once)

        async def one(number: int, code: str) -> str:
            async with turn:
                return await self.token(code, f"opener-{number}")

        return await asyncio.gather(*(one(n, code) for n, code in enumerate(codes)))

    async def send(
        self, messages: Sequence[Message], deadline_seconds: float = 120
    ) -> Mapping[str, Mapping[str, str]]:
        """Report a batch, again and again until it is taken; its results. Raises NotTaken."""
        request = {"json": {"batch": list(messages)}, "auth": (self.key, "")}
        answer = await self._until("POST", "/v1/batch", request, httpx.codes.OK, deadline_seconds)
        results: Mapping[str, Mapping[str, str]] = answer.json()["results"]
        return results

    async def _until(
        self,
        method: str,
        path: str,
        request: Mapping[str, Any],
        wanted: int,
        deadline_seconds: float = 120,
    ) -> httpx.Response:
        deadline, pause, last = time.monotonic() + deadline_seconds, _AGAIN_SECONDS[0], "none"
        while time.monotonic() < deadline:
            try:
                answer = await self.http.request(method, self.url + path, **request)
            except httpx.HTTPError as error:
                last = type(error).__name__
            else:
                if answer.status_code == wanted:
                    return answer
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    raise NotTaken(self.url + path, f"{answer.status_code} {answer.text[:200]}")
                last = str(answer.status_code)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _AGAIN_SECONDS[1])
        raise NotTaken(self.url + path, last)


def client(at_once: int) -> httpx.AsyncClient:
    """Connections for a shop that makes so many calls at once."""
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    return httpx.AsyncClient(timeout=_ANSWER_SECONDS, limits=limits)


def page(name: str, visitor: str, token: str) -> Message:
    """A page opened by way of a link."""
    return {
        "type": "page",
        "messageId": f"page-{name}",
        "anonymousId": visitor,
        "context": {"page": {"url": f"https://shop.example.com/?gw={token}"}},
    }


def order(name: str, visitor: str, total_minor: int) -> Message:
    """A completed order."""
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"order-{name}",
        "anonymousId": visitor,
        "userId": f"customer-{name}",
        "properties": {
            "order_id": name,
            "total": f"{total_minor // 100}.{total_minor % 100:02d}",
            "currency": CURRENCY,
        },
    }


def refund(name: str) -> Message:
    """The same order, given back as a whole."""
    return {
        "type": "track",
        "event": "Order Refunded",
        "messageId": f"refund-{name}",
        "userId": f"customer-{name}",
        "properties": {"order_id": name, "refund_id": f"refund-{name}"},
    }


def story(name: str, tokens: Sequence[str], chance: random.Random) -> list[Message]:
    """One conversion: a touch for each token, then the order, in any order of arrival."""
    visitor = f"visitor-{name}"
    touches = [page(f"{name}-{n}", visitor, token) for n, token in enumerate(tokens)]
    messages = [*touches, order(name, visitor, chance.randrange(1_000, 50_000))]
    chance.shuffle(messages)
    return messages
