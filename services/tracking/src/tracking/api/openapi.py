"""How `/v1` is described in the OpenAPI document. The routes read raw bytes, so it is said here."""

from dataclasses import dataclass
from typing import Any

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)
from msgspec import Struct


class Answer(Struct, frozen=True):
    """What became of one message: `ok`, `warning` (changed, see reason), `drop`, `retry`."""

    success: bool
    result: str
    event_id: str | None = None
    code: str | None = None
    reason: str | None = None


class Result(Struct, frozen=True):
    """What became of one message of a batch."""

    result: str
    event_id: str | None = None
    code: str | None = None
    reason: str | None = None


class BatchAnswer(Struct, frozen=True):
    """What became of each message, by messageId, else by its place."""

    success: bool
    results: dict[str, Result]


class ProblemDocument(Struct, frozen=True):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None


_TEXT, _OBJECT = Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.OBJECT)
_ID = Schema(one_of=[_TEXT, Schema(type=OpenAPIType.INTEGER)])
_MESSAGE = Schema(
    type=OpenAPIType.OBJECT,
    description="userId or anonymousId is required.",
    properties={
        "type": Schema(type=OpenAPIType.STRING, enum=["identify", "track", "page"]),
        "messageId": Schema(
            type=OpenAPIType.STRING, description="makes the message have its effect once"
        ),
        "userId": _ID,
        "anonymousId": _ID,
        "event": _TEXT,
        "properties": _OBJECT,
        "traits": _OBJECT,
        "context": _OBJECT,
        "timestamp": Schema(type=OpenAPIType.STRING, description="ISO 8601"),
        "sentAt": Schema(type=OpenAPIType.STRING, description="ISO 8601"),
        "writeKey": _TEXT,
    },
)
_BATCH = Schema(
    type=OpenAPIType.OBJECT,
    required=["batch"],
    properties={
        "batch": Schema(type=OpenAPIType.ARRAY, items=_MESSAGE),
        "context": _OBJECT,
        "sentAt": Schema(type=OpenAPIType.STRING, description="ISO 8601"),
        "writeKey": _TEXT,
    },
)
_ORDER = {
    "type": "track",
    "messageId": "m-1",
    "event": "Order Completed",
    "userId": "customer-1",
    "properties": {"order_id": "order-1", "total": "49.90", "currency": "EUR"},
}


def _body(schema: Schema, example: object) -> RequestBody:
    return RequestBody(
        content={
            "application/json": OpenAPIMediaType(
                schema=schema, examples={"order": Example(value=example)}
            )
        },
        required=True,
        description="JSON, also gzip; the content type is not looked at.",
    )


@dataclass
class MessageOperation(Operation):
    """The description of a route that takes one message."""

    def __post_init__(self) -> None:
        """Litestar sees no body in a handler that reads it raw."""
        self.request_body = _body(_MESSAGE, _ORDER)


@dataclass
class BatchOperation(Operation):
    """The description of the route that takes a batch."""

    def __post_init__(self) -> None:
        """As above."""
        self.request_body = _body(_BATCH, {"batch": [_ORDER]})


def _responses(answer: type[Struct]) -> dict[int, ResponseSpec]:
    refusals = {
        400: "The body or the message was refused; the problem's type says why",
        401: "No valid write key: Basic user name, Bearer token, or `writeKey` in the body",
        403: "The key may not send this",
        409: "The messageId came before with another body",
        413: "Too large",
        503: "Not durable yet; send it again after Retry-After",
    }
    return {
        200: ResponseSpec(answer, description="Durable, or dropped with a reason"),
        **{
            status: ResponseSpec(
                ProblemDocument, description=meaning, media_type="application/problem+json"
            )
            for status, meaning in refusals.items()
        },
    }


MESSAGE_DOCUMENTED: dict[str, Any] = {
    "operation_class": MessageOperation,
    "responses": _responses(Answer),
}
BATCH_DOCUMENTED: dict[str, Any] = {
    "operation_class": BatchOperation,
    "responses": _responses(BatchAnswer),
}
