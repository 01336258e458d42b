"""Asks a provider of the operator's choice to pay, over HTTP signed by Standard Webhooks.

POST {url} with the payout; GET {url}/{payout_id} asks. Both answer
`{"payout_id": …, "state": "settled" | "failed" | "pending", "amount_minor": …, "currency": …,
"reference": …, "reason": …}`. Only an answer that names this very payout, and its amount, counts;
a 404 to the question says that it was never heard of. A 4xx to the POST is the provider's final
word if it names this payout as failed, else a refusal of this attempt; but 401, 403 and 404 are
about us, and those that ask for patience about nothing. Everything else is not an answer.
"""

import base64
import hmac
import time
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import quote

import httpx
import msgspec
import structlog
from service_kit import metrics
from service_kit.telemetry import current_traceparent

from ..domain.paying import Answer, Word
from ..domain.values import Payout
from .addresses import AddressRefused, resolve

MAX_ANSWER_BYTES = 65_536
_MAX_REASON_CHARACTERS = 200
_RETRY_LATER = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_NOT_ABOUT_THE_PAYOUT = {  # our secret or our URL is wrong: whoever repairs it has payouts go on
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
}
log = structlog.stdlib.get_logger(__name__)
calls_refused = metrics.counter(
    "payout_calls_refused", "Calls that the provider refused us, whatever the payout", "status"
)


class Reply(msgspec.Struct, frozen=True):
    """What a provider answers."""

    payout_id: str
    state: Literal["settled", "failed", "pending"]
    amount_minor: int | None = None
    currency: str | None = None
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    reason: str = ""


class Webhook:
    """The rail behind a URL. The client must not follow redirects."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, key: bytes, *, allow_loopback: bool
    ) -> None:
        self._client = client
        self._url = httpx.URL(url)
        self._key = key
        self._allow_loopback = allow_loopback

    async def pay(self, payout: Payout) -> Answer:
        """Ask for the payment."""
        body = msgspec.json.encode(_request(payout))
        status, text = await self._call("POST", self._url, payout.payout_id, body)
        if status in _NOT_ABOUT_THE_PAYOUT:
            return _refused_us(status, payout.payout_id)
        if 400 <= status < 500:
            return _refusal(status, text, payout.payout_id)
        return _answer(status, text, payout.payout_id, (payout.amount_minor, payout.currency))

    async def ask(self, payout_id: str) -> Answer:
        """Ask what became of it."""
        path = f"{self._url.path.rstrip('/')}/{quote(payout_id, safe='')}"
        status, text = await self._call("GET", self._url.copy_with(path=path), payout_id, b"")
        if status == HTTPStatus.NOT_FOUND:
            return Answer(word=Word.NEVER_HEARD)
        if status in _NOT_ABOUT_THE_PAYOUT:
            return _refused_us(status, payout_id)
        return _answer(status, text, payout_id, None)

    async def _call(
        self, method: str, url: httpx.URL, payout_id: str, body: bytes
    ) -> tuple[int, bytes]:
        """Call the one address that was looked up and checked, under the target's own name."""
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await resolve(url.host, port, allow_loopback=self._allow_loopback)
        async with self._client.stream(
            method,
            url.copy_with(host=address),
            content=body,
            headers={**self._headers(payout_id, body), "host": url.netloc.decode()},
            extensions={"sni_hostname": url.host},
        ) as response:
            text = b""
            async for piece in response.aiter_bytes():
                text += piece
                if len(text) > MAX_ANSWER_BYTES:
                    return 0, b""
            return response.status_code, text

    def _headers(self, payout_id: str, body: bytes) -> dict[str, str]:
        moment = str(int(time.time()))
        signed = f"{payout_id}.{moment}.".encode() + body
        signature = base64.b64encode(hmac.new(self._key, signed, sha256).digest()).decode()
        headers = {
            "content-type": "application/json",
            "idempotency-key": payout_id,
            "webhook-id": payout_id,
            "webhook-timestamp": moment,
            "webhook-signature": f"v1,{signature}",
        }
        if (traceparent := current_traceparent()) is not None:
            headers["traceparent"] = traceparent
        return headers


class NotConfigured:
    """The webhook rail without a URL: payouts stay unknown until an operator sets one."""

    async def pay(self, _payout: Payout) -> Answer:
        """Say what is missing."""
        return Answer(word=Word.UNKNOWN, reason="no payout URL is configured; nothing was sent")

    async def ask(self, _payout_id: str) -> Answer:
        """Nobody can be asked."""
        return Answer(word=Word.UNKNOWN, reason="no payout URL is configured")


def explain(error: Exception) -> str:
    """Why there is no answer, in words that hold nothing of the request."""
    if isinstance(error, AddressRefused):
        return str(error)
    return f"no answer ({type(error).__name__})"


def _request(payout: Payout) -> dict[str, object]:
    return {
        "payout_id": payout.payout_id,
        "reward_id": payout.reward_id,
        "beneficiary_id": payout.beneficiary_id,
        "amount_minor": payout.amount_minor,
        "currency": payout.currency,
    }


def _answer(status: int, text: bytes, payout_id: str, due: tuple[int, str] | None) -> Answer:
    """What a reply is worth. `due` is the amount that a settlement must name, if it names any."""
    if not 200 <= status < 300:
        return Answer(word=Word.UNKNOWN, reason=f"the provider answered HTTP {status}")
    reply = _reply(text)
    if reply is None:
        return Answer(word=Word.UNKNOWN, reason="the provider's answer cannot be read")
    if reply.payout_id != payout_id:
        return Answer(word=Word.UNKNOWN, reason="the provider answered about another payout")
    named = (reply.amount_minor, reply.currency)
    if reply.state == "settled" and due is not None and named not in (due, (None, None)):
        return Answer(word=Word.UNKNOWN, reason="the provider names another amount")
    if reply.state == "pending":
        return Answer(word=Word.UNKNOWN, reason="the provider is still at it")
    reason = reply.reason[:_MAX_REASON_CHARACTERS]
    return Answer(word=Word(reply.state), reference=reply.reference, reason=reason)


def _refused_us(status: int, payout_id: str) -> Answer:
    """The provider does not know us, or we do not know its address: an operator has to look."""
    log.error("the provider refuses us", payout_id=payout_id, status=status)
    calls_refused(str(status)).inc()
    return Answer(word=Word.UNKNOWN, reason=f"the provider refuses us with HTTP {status}")


def _refusal(status: int, text: bytes, payout_id: str) -> Answer:
    """What another 4xx is worth: the provider's word if it names this payout as failed."""
    reply = _reply(text)
    reason = reply.reason[:_MAX_REASON_CHARACTERS] if reply else ""
    said = f"refused with HTTP {status}{': ' if reason else ''}{reason}"
    if reply is not None and (reply.payout_id, reply.state) == (payout_id, "failed"):
        return Answer(word=Word.FAILED, reason=said)
    return Answer(word=Word.UNKNOWN if status in _RETRY_LATER else Word.REFUSED, reason=said)


def _reply(text: bytes) -> Reply | None:
    try:
        return msgspec.json.decode(text, type=Reply)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
