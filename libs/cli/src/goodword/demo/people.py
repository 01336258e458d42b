"""Who takes part: persons with a browser of their own, and the shop's servers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final
from uuid import uuid4

import httpx

from ..errors import PlatformError
from .patience import post

COOKIE: Final = "gw_v"
_SECONDS = 20.0
_AGENT = "Mozilla/5.0 (demo)"


class NotTaken(PlatformError):
    """Tracking did not take what it should have taken."""

    def __init__(self, what: str, answer: httpx.Response) -> None:
        super().__init__(f"{what} was answered {answer.status_code}: {answer.text[:300]}")


@dataclass(frozen=True, slots=True)
class Site:
    """The shop as it stands in one market: its web key, its server key, how to reach tracking."""

    tracking: str
    transport: httpx.AsyncHTTPTransport
    web_key: str
    server_key: str
    currency: str

    def client(self, headers: Mapping[str, str]) -> httpx.AsyncClient:
        """A client of its own cookies over the shared connections."""
        return httpx.AsyncClient(
            base_url=self.tracking, transport=self.transport, headers=headers, timeout=_SECONDS
        )


class Browser:
    """One person's browser: a cookie jar and an address of its own, the shop's script in it."""

    def __init__(self, site: Site, address: str) -> None:
        self._http = site.client({"x-forwarded-for": address, "user-agent": _AGENT})
        self._key = site.web_key
        self._currency = site.currency
        self._own_id = uuid4().hex

    @property
    def cookie(self) -> str | None:
        """The visitor that the redirect remembered, if it was allowed to."""
        return self._http.cookies.get(COOKIE)

    @property
    def visitor_id(self) -> str:
        """The visitor as the shop's script knows it: the cookie's, else one it made itself."""
        return self.cookie or self._own_id

    async def click(self, code: str) -> str:
        """Follow a link; returns the token that the shop's address carries then."""
        answer = await self._http.get(f"/r/{code}")
        if answer.status_code != httpx.codes.FOUND:
            raise NotTaken(f"The link {code}", answer)
        return str(httpx.URL(answer.headers["location"]).params["gw"])

    async def page(self, token: str, *, at: datetime | None = None, consent: bool = False) -> None:
        """The shop's script tells of the page that was opened with a token; perhaps late."""
        said: dict[str, Any] = {"context": {"gw": token}}
        if consent:
            said["context"]["consent"] = "granted"
        if at is not None:
            said |= {"timestamp": at.isoformat(), "sentAt": datetime.now(UTC).isoformat()}
        await self._post("page", {"messageId": uuid4().hex, **said})

    async def claims_order(self, order_id: str, customer: str, total: str) -> None:
        """The page itself tells of an order, which anybody could."""
        properties = {"order_id": order_id, "total": total, "currency": self._currency}
        message = {"messageId": uuid4().hex, "event": "Order Completed", "userId": customer}
        await self._post("track", {**message, "properties": properties})

    async def _post(self, call: str, message: Mapping[str, object]) -> None:
        named = {"anonymousId": self.visitor_id, **message}
        check_taken(call, await post(self._http, f"/v1/{call}", self._key, named))


class Server:
    """The shop's server, which reports with a secret key."""

    def __init__(self, site: Site) -> None:
        self._http = site.client({})
        self._key = site.server_key
        self._currency = site.currency
        self._numbers = count(1)

    async def identify(self, customer: str, email: str, visitor: str | None = None) -> None:
        """Somebody signed in: who they are, and how to write to them."""
        message: dict[str, object] = {"userId": customer, "traits": {"email": email}}
        if visitor is not None:
            message["anonymousId"] = visitor
        await self.send("identify", message)

    async def order(
        self, order_id: str, customer: str, total: str, **message: object
    ) -> dict[str, object]:
        """An order; returns the message, so that it can be sent once more."""
        properties = {"order_id": order_id, "total": total, "currency": self._currency}
        return await self.send(
            "track",
            {
                "messageId": f"{order_id}-{next(self._numbers)}",
                "event": "Order Completed",
                "userId": customer,
                "properties": properties,
                **message,
            },
        )

    async def refund(
        self, order_id: str, customer: str, refund_id: str, total: str | None = None
    ) -> None:
        """Money went back; without an amount all of it."""
        properties = {"order_id": order_id, "refund_id": refund_id}
        if total is not None:
            properties |= {"total": total, "currency": self._currency}
        message = {"event": "Order Refunded", "userId": customer, "properties": properties}
        await self.send("track", message)

    async def send(self, call: str, message: Mapping[str, object]) -> dict[str, object]:
        """One message, as it is."""
        sent = {"messageId": uuid4().hex, **message}
        check_taken(call, await post(self._http, f"/v1/{call}", self._key, sent))
        return sent


def check_taken(call: str, answer: httpx.Response) -> None:
    """Raises NotTaken unless the message is durable now."""
    if answer.status_code != httpx.codes.OK or answer.json()["result"] not in ("ok", "warning"):
        raise NotTaken(f"The {call} call", answer)
