"""Answers: bytes with their headers; of `/v1` JSON and problem documents, for any page's origin."""

from collections.abc import Mapping

import msgspec
from litestar.types import Receive, Scope, Send
from service_kit.problems import CONTENT_TYPE as PROBLEM_TYPE
from service_kit.problems import Problem

from ..domain.outcome import Outcome, Result

RETRY_AFTER_SECONDS = 2
PREFLIGHT = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": (
        "authorization, content-type, content-encoding, idempotency-key"
    ),
    "access-control-max-age": "86400",
}
Headers = Mapping[bytes, bytes]
_ANY_ORIGIN = {b"access-control-allow-origin": b"*", b"cache-control": b"no-store"}
_JSON = _ANY_ORIGIN | {b"content-type": b"application/json"}
_PROBLEM = _ANY_ORIGIN | {b"content-type": PROBLEM_TYPE.encode()}
_encode = msgspec.json.Encoder().encode
_RECORDED_IDS = ("conversion_id", "reversal_id", "lead_id", "touch_id")
_TITLES = {
    400: "The message was refused",
    401: "No valid write key came along",
    403: "This key may not send this message",
    404: "No such code",
    409: "This id came before with another body",
    410: "The code has ended",
    413: "The request is too large",
    503: "Try again later",
}


class Answer:
    """One answer, as ASGI sends it."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, status: int, headers: Headers, body: bytes = b"") -> None:
        self._status = status
        self._headers = headers
        self._body = body

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it; to HEAD without its body."""
        length = (b"content-length", str(len(self._body)).encode())
        await send(
            {
                "type": "http.response.start",
                "status": self._status,
                "headers": [*self._headers.items(), length],
            }
        )
        body = b"" if scope.get("method") == "HEAD" else self._body
        await send({"type": "http.response.body", "body": body, "more_body": False})


def problem(
    status: int, code: str, detail: str, extra: Mapping[str, object] | None = None
) -> Answer:
    """A problem document (RFC 9457); `extra` are members of its own."""
    headers: Headers = _PROBLEM
    if status == 503:
        headers = _PROBLEM | {b"retry-after": str(RETRY_AFTER_SECONDS).encode()}
    if status == 401:
        headers = _PROBLEM | {b"www-authenticate": b'Basic realm="goodword"'}
    described = Problem(
        status=status, type=code.replace("_", "-"), title=_TITLES[status], detail=detail
    )
    body = described.to_json()
    if extra:
        body = _encode(msgspec.json.decode(body) | dict(extra))
    return Answer(status, headers, body)


def answer_one(outcome: Outcome) -> Answer:
    """The answer to a message that came alone."""
    if outcome.status != 200:
        return problem(outcome.status, outcome.code, outcome.detail)
    return Answer(200, _JSON, _encode({"success": True, **told(outcome)}))


def answer_report(outcome: Outcome) -> Answer:
    """The answer to one of our own calls: as to a message, with the ids of what was recorded."""
    if outcome.status != 200:
        return problem(outcome.status, outcome.code, outcome.detail)
    recorded = {name: getattr(outcome.event, name, None) for name in _RECORDED_IDS}
    named = {name: value for name, value in recorded.items() if value is not None}
    return Answer(200, _JSON, _encode({"success": True, **told(outcome), **named}))


def answer_many(outcomes: Mapping[str, Outcome]) -> Answer:
    """The answer to a batch: what became of each message.

    When one of them must be sent again the whole is a 503: clients that read no results would
    otherwise take it as delivered. What was taken has its effect once, however often it comes.
    """
    results = {name: told(outcome) for name, outcome in outcomes.items()}
    if any(outcome.result is Result.RETRY for outcome in outcomes.values()):
        return problem(
            503,
            "retry",
            "Some messages were not taken; send the batch again.",
            {"results": results},
        )
    return Answer(200, _JSON, _encode({"success": True, "results": results}))


def told(outcome: Outcome) -> dict[str, str]:
    """What a client is told of one message."""
    members: dict[str, str] = {"result": outcome.result.value}
    if outcome.event_id is not None:
        members["event_id"] = outcome.event_id
    if outcome.code:
        members |= {"code": outcome.code, "reason": outcome.detail}
    return members
