"""A shop as Goodword's clients are: redirects, Segment-shaped calls, and what the hub tells."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
from goodword.platform import Running

DEADLINE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop on a running platform."""

    platform: Running
    http: httpx.AsyncClient

    async def click(self, code: str, visitor: str, ordinal: int = 0) -> str:
        """Follow a link as a visitor whose browser has our cookie; returns the token."""
        answer = await self.http.get(
            f"{self.platform.url('tracking', ordinal)}/r/{code}",
            headers={"cookie": f"gw_v={visitor}"},
        )
        assert answer.status_code == 302, answer.text
        return parse_qs(urlsplit(answer.headers["location"]).query)["gw"][0]

    async def batch(
        self, messages: list[dict[str, Any]], *, key: str = "server", ordinal: int = 0
    ) -> dict[str, Any]:
        """`POST /v1/batch`; returns the answer, which must be 200."""
        answer = await self.http.post(
            f"{self.platform.url('tracking', ordinal)}/v1/batch",
            json={"batch": messages},
            auth=(self.platform.keys[key], ""),
        )
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def settled(self) -> None:
        """Wait until nothing is in flight or due within half a minute."""
        await self.platform.settled(DEADLINE_SECONDS, horizon_seconds=30)

    async def told(self, path: str, **parameters: Any) -> Any:
        """What the hub's JSON twin says."""
        answer = await self.http.get(
            f"{self.platform.url('hub')}{path}",
            params=parameters,
            headers={"authorization": f"Bearer {self.platform.secrets.operator_token}"},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()


def unique(word: str) -> str:
    """An id that no other test uses."""
    return f"{word}-{uuid4().hex[:10]}"


def new_visitor() -> str:
    """A visitor's id in the form that our own cookie has."""
    return uuid4().hex


def identify(visitor: str, customer: str, email: str | None = None) -> dict[str, Any]:
    """Who this visitor is, said by the shop's server."""
    traits = {"email": email, "name": f"Person of {customer}"} if email else {}
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
    """A completed order in US dollars."""
    message: dict[str, Any] = {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"order-{reference}",
        "userId": customer,
        "properties": {"order_id": reference, "total": total, "currency": "USD"},
        "context": context,
    }
    return message | ({"anonymousId": visitor} if visitor else {})


def refund(reference: str, customer: str, total: str | None = None) -> dict[str, Any]:
    """A refund of an order, whole without an amount."""
    properties: dict[str, Any] = {"order_id": reference, "refund_id": f"refund-{reference}"}
    if total is not None:
        properties |= {"total": total, "currency": "USD"}
    return {
        "type": "track",
        "event": "Order Refunded",
        "messageId": f"refund-{reference}",
        "userId": customer,
        "properties": properties,
    }
