"""Webhooks as Standard Webhooks 1.0 has them: signed, tried again, never followed elsewhere."""

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx
from service_kit.runtime import Runtime
from service_kit.telemetry import current_traceparent
from shared_schemas.states import MessageState
from standardwebhooks import Webhook

from ..domain.delivery import Delivery, Notice, Outcome
from ..domain.schedule import retry_after_of, webhook_retry_at
from ..domain.targets import TargetRefused
from ..handlers.subscribing import disable
from ..settings import Settings
from ..store import claims, endpoints
from ..store.endpoints import Endpoint
from ..store.vault import Vault
from .pump import Attempt
from .targets import Unreachable, pinned

CONCURRENT_WEBHOOKS = 32
BUSY_ENDPOINT = 4  # no more is claimed for an endpoint with so many under way
WEBHOOK_SECONDS = 15
ANSWER_MAX_BYTES = 64 * 1024
GONE = "gone"


class Hooks:
    """The way out for webhooks."""

    concurrency = CONCURRENT_WEBHOOKS

    def __init__(self, runtime: Runtime[Settings], seconds: float = WEBHOOK_SECONDS) -> None:
        self._runtime = runtime
        self._seconds = seconds
        self._vault = Vault(runtime.settings.master_key.get_secret_value())
        self._allow_loopback = runtime.settings.webhook_allow_loopback
        self._client = httpx.AsyncClient(
            timeout=seconds,
            trust_env=False,
            follow_redirects=False,
            verify=ssl.create_default_context(),
            limits=httpx.Limits(max_keepalive_connections=0),  # pinned anew for every attempt
        )
        self._under_way: Counter[str] = Counter()
        self._endpoint_of: dict[str, str] = {}

    async def claim(self, free: int) -> list[Attempt]:
        """Webhooks that are due, a few of each endpoint."""
        busy = [one for one, count in self._under_way.items() if count >= BUSY_ENDPOINT]
        async with self._runtime.transaction() as tx:
            claimed = await claims.claim_webhooks(tx, self._runtime.now(), free, busy)
            ids = sorted({delivery.endpoint_id or "" for delivery, _ in claimed})
            known = await endpoints.endpoints_by_id(tx, ids) if ids else {}
        attempts: list[Attempt] = []
        for delivery, notice in claimed:
            endpoint = known[delivery.endpoint_id or ""]
            self._under_way[endpoint.endpoint_id] += 1
            self._endpoint_of[delivery.delivery_id] = endpoint.endpoint_id
            attempts.append((delivery, self._attempt(delivery, notice, endpoint)))
        return attempts

    async def settled(self, outcomes: Mapping[str, Outcome]) -> None:
        """An endpoint that is gone is disabled, and what waits for it fails.

        In a transaction of its own: endpoints are locked before deliveries.
        """
        of = {one: self._endpoint_of.pop(one, None) for one in outcomes}
        gone = {
            endpoint for one, endpoint in of.items() if endpoint and outcomes[one].reason == GONE
        }
        if gone:
            async with self._runtime.transaction() as tx:
                await disable(tx, sorted(gone), "answered 410 Gone", self._runtime.now())

    async def close(self) -> None:
        """Disconnect."""
        await self._client.aclose()

    async def _attempt(self, delivery: Delivery, notice: Notice, endpoint: Endpoint) -> Outcome:
        try:
            with self._runtime.telemetry.span(
                "send webhook", parent=notice.traceparent, delivery_id=delivery.delivery_id
            ):
                return await self._sent(delivery, notice, endpoint)
        finally:
            self._under_way[endpoint.endpoint_id] -= 1

    async def _sent(self, delivery: Delivery, notice: Notice, endpoint: Endpoint) -> Outcome:
        now = self._runtime.now()
        if now >= delivery.expires_at:
            return Outcome(MessageState.FAILED, "expired", tried=False)
        try:
            async with asyncio.timeout(self._seconds):
                status, headers = await self._posted(delivery, notice, endpoint)
        except TargetRefused as error:
            return Outcome(MessageState.FAILED, str(error))
        except (TimeoutError, Unreachable, httpx.HTTPError, OSError) as error:
            return _failed(delivery, type(error).__name__, self._runtime.now(), None)
        if 200 <= status < 300:
            return Outcome(MessageState.SENT)
        if status == httpx.codes.GONE:
            return Outcome(MessageState.FAILED, GONE)
        now = self._runtime.now()
        retry_after = retry_after_of(headers.get("retry-after", ""), now)
        return _failed(delivery, f"answered {status}", now, retry_after)

    async def _posted(
        self, delivery: Delivery, notice: Notice, endpoint: Endpoint
    ) -> tuple[int, httpx.Headers]:
        url, host = await pinned(endpoint.url, allow_loopback=self._allow_loopback)
        body = body_of(notice)
        secret = self._vault.unlock(endpoint.secret)
        headers = signed(delivery.delivery_id, body, secret, self._runtime.now()) | host
        if traceparent := current_traceparent():
            headers["traceparent"] = traceparent
        request = self._client.stream(
            "POST",
            url,
            content=body,
            headers=headers,
            extensions={"sni_hostname": httpx.URL(endpoint.url).host},
        )
        async with request as answer:
            read = 0
            async for part in answer.aiter_raw():
                read += len(part)
                if read > ANSWER_MAX_BYTES:
                    break
            return answer.status_code, answer.headers


def body_of(notice: Notice) -> bytes:
    """What is posted: the event's type, its time, and its whole data."""
    body = {
        "type": notice.event_type,
        "timestamp": notice.at.isoformat().replace("+00:00", "Z"),
        "data": notice.body,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def signed(delivery_id: str, body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks; the webhook's id is the delivery's."""
    now = now.astimezone(UTC)
    return {
        "Content-Type": "application/json",
        "User-Agent": "Goodword",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(delivery_id, now, body.decode()),
    }


def _failed(
    delivery: Delivery, reason: str, now: datetime, retry_after: timedelta | None
) -> Outcome:
    retry_at = webhook_retry_at(delivery.delivery_id, delivery.attempts + 1, now, retry_after)
    if retry_at is None:
        return Outcome(MessageState.FAILED, f"exhausted: {reason}")
    return Outcome(MessageState.DUE, reason, retry_at)
