"""A shop as Goodword's clients are: redirects, Segment-shaped calls, and what the hub tells."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
from goodword.platform import Running
from shared_schemas.ids import conversion_id

DEADLINE_SECONDS = 120
_AGAIN_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop on a running platform."""

    platform: Running
    http: httpx.AsyncClient
    _instances: Iterator[int] = field(default_factory=lambda: cycle((0, 1)))

    @property
    def door(self) -> str:
        """Tracking's address: that of each of its instances in turn."""
        return self.platform.url("tracking", next(self._instances))

    async def click(self, code: str, visitor: str, *, query: str = "") -> str:
        """Follow a link as a visitor whose browser has our cookie; returns the token."""
        answer = await self.http.get(
            f"{self.door}/r/{code}{query}",
            headers={"cookie": f"gw_v={visitor}"},
        )
        assert answer.status_code == 302, answer.text
        return parse_qs(urlsplit(answer.headers["location"]).query)["gw"][0]

    async def batch(self, messages: list[dict[str, Any]], *, key: str = "server") -> None:
        """`POST /v1/batch`, again and again while the answer is to try again."""

        async def taken() -> bool:
            answer = await self.http.post(
                f"{self.door}/v1/batch",
                json={"batch": messages},
                auth=(self.platform.keys[key], ""),
            )
            assert answer.status_code in (200, 503), answer.text
            return answer.status_code == 200

        await eventually(taken)

    async def settled(self) -> None:
        """Wait until nothing is in flight or due within half a minute."""
        await self.platform.settled(DEADLINE_SECONDS, horizon_seconds=30)

    async def told(self, path: str, **parameters: Any) -> Any:
        """What the hub's JSON twin says."""
        return await self.asked("hub", path, **parameters)

    async def asked(self, service: str, path: str, **parameters: Any) -> Any:
        """What a service tells operators; asked again while it says to try again later."""
        answers: list[httpx.Response] = []

        async def answered() -> bool:
            url = f"{self.platform.url(service)}{path}"
            answers.append(await self.http.get(url, params=parameters, headers=self.as_operator))
            return answers[-1].status_code != 503

        await eventually(answered)
        assert answers[-1].status_code == 200, answers[-1].text
        return answers[-1].json()

    @property
    def as_operator(self) -> dict[str, str]:
        """The headers that open `/internal`, the hub's JSON and the ledger."""
        return {"authorization": f"Bearer {self.platform.secrets.operator_token}"}

    @property
    def as_root(self) -> dict[str, str]:
        """The headers of the first administrator."""
        return {"authorization": f"Bearer {self.platform.secrets.admin_key}"}

    async def rewards(self, reference: str) -> dict[str, tuple[str, int]]:
        """(state, paid less reversed) of each beneficiary of an order."""
        told = await self.told(f"/api/conversions/{conversion_id('sale', reference)}")
        found = [row["body"] for row in told["documents"] if row["kind"] == "reward"]
        return {
            r["beneficiary_id"]: (r["state"], r.get("paid_minor", 0) - r.get("reversed_minor", 0))
            for r in found
        }

    async def parked(self, service: str) -> list[dict[str, Any]]:
        """What a service has set aside."""
        found: list[dict[str, Any]] = await self.asked(service, "/internal/parked", limit=1_000)
        return found

    async def decide(
        self, service: str, decision: str, row: dict[str, Any], *, ordinal: int = 0
    ) -> httpx.Response:
        """`release` or `discard` what an instance of a service has parked."""
        return await self.http.post(
            f"{self.platform.url(service, ordinal)}/internal/parked/{decision}",
            json={"source": row["source"], "id": row["id"], "actor": "tests"},
            headers=self.as_operator,
        )


async def eventually(
    holds: Callable[[], Awaitable[bool]], *, seconds: float = DEADLINE_SECONDS
) -> None:
    """Return once a condition holds; fail when the time is up."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(_AGAIN_SECONDS)


def unique(word: str) -> str:
    """An id that no other test uses."""
    return f"{word}-{uuid4().hex[:10]}"


def new_visitor() -> str:
    """A visitor's id in the form that our own cookie has."""
    return uuid4().hex


def identify(visitor: str, customer: str, **traits: str) -> dict[str, Any]:
    """Who this visitor is, said by the shop's server."""
    return {
        "type": "identify",
        "messageId": uuid4().hex,
        "anonymousId": visitor,
        "userId": customer,
        "traits": traits,
    }


def order(
    reference: str, customer: str, total: str, *, visitor: str | None = None, **context: Any
) -> dict[str, Any]:
    """A completed order in US dollars; `code=…` is what the customer typed."""
    message: dict[str, Any] = {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"order-{reference}",
        "userId": customer,
        "properties": {"order_id": reference, "total": total, "currency": "USD"},
        "context": context,
    }
    return message | ({"anonymousId": visitor} if visitor else {})


def refund(reference: str, customer: str) -> dict[str, Any]:
    """A refund of the whole order."""
    return {
        "type": "track",
        "event": "Order Refunded",
        "messageId": f"refund-{reference}",
        "userId": customer,
        "properties": {"order_id": reference, "refund_id": f"refund-{reference}"},
    }
