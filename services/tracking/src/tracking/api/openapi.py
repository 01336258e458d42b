"""How `/v1` is described in the OpenAPI document. The routes read raw bytes, so it is said here.

The examples run: a test posts each of them, with `LINK_TOKEN` replaced by a token.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)
from msgspec import Struct

from ..domain.interpret import SEGMENT_KINDS


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


TEXT, OBJECT = Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.OBJECT)
TIME = Schema(type=OpenAPIType.STRING, description="ISO 8601; UTC when it names no zone")
_ID = Schema(one_of=[TEXT, Schema(type=OpenAPIType.INTEGER)])
JSON_TYPE, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"
_CALLS = [kind.value for kind in SEGMENT_KINDS]
_MESSAGE = Schema(
    type=OpenAPIType.OBJECT,
    description="userId or anonymousId is required.",
    properties={
        "type": Schema(type=OpenAPIType.STRING, enum=_CALLS),
        "messageId": Schema(
            type=OpenAPIType.STRING, description="makes the message have its effect once"
        ),
        "userId": _ID,
        "anonymousId": _ID,
        "previousId": _ID,
        "groupId": _ID,
        "event": TEXT,
        "properties": OBJECT,
        "traits": OBJECT,
        "context": OBJECT,
        "timestamp": TIME,
        "sentAt": TIME,
        "writeKey": TEXT,
    },
)
_BATCH = Schema(
    type=OpenAPIType.OBJECT,
    required=["batch"],
    properties={
        "batch": Schema(type=OpenAPIType.ARRAY, items=_MESSAGE),
        "context": OBJECT,
        "sentAt": TIME,
        "writeKey": TEXT,
    },
)
_VIEW_URL = "https://shop.example.com/welcome?gw=LINK_TOKEN"
_EXAMPLES: Mapping[str, dict[str, object]] = {
    "identify": {
        "messageId": "m-1",
        "userId": "customer-1",
        "anonymousId": "visitor-1",
        "traits": {"email": "anna@example.com", "name": "Anna Muster"},
    },
    "track": {
        "messageId": "m-2",
        "event": "Order Completed",
        "userId": "customer-1",
        "properties": {"order_id": "order-1", "total": "49.90", "currency": "EUR"},
    },
    "page": {"messageId": "m-3", "anonymousId": "visitor-1", "properties": {"url": _VIEW_URL}},
    "screen": {
        "messageId": "m-4",
        "anonymousId": "device-1",
        "name": "Welcome",
        "properties": {"url": _VIEW_URL},
    },
    "group": {"messageId": "m-5", "userId": "customer-1", "groupId": "acme"},
    "alias": {"messageId": "m-6", "userId": "customer-1", "previousId": "lead-77"},
}
_REFUSALS = {
    400: "The body or the message was refused; the problem's type says why",
    401: "No valid write key: Basic user name, Bearer token, or `writeKey` in the body",
    403: "The key may not send this",
    404: "No such code",
    409: "The id came before with another body",
    410: "The code was revoked or has expired",
    413: "Too large",
    503: "Not durable yet; send it again after Retry-After",
}
ALWAYS_REFUSED = (400, 401, 403, 409, 413, 503)


def json_body(schema: Schema, examples: Mapping[str, object]) -> RequestBody:
    """A body in JSON, with examples by name."""
    return RequestBody(
        content={JSON_TYPE: media(schema, examples)},
        required=True,
        description="JSON, also gzip; the content type is not looked at.",
    )


def media(schema: Schema, examples: Mapping[str, object]) -> OpenAPIMediaType:
    """One content type's schema, with examples by name."""
    return OpenAPIMediaType(
        schema=schema, examples={name: Example(value=value) for name, value in examples.items()}
    )


def documented(
    body: RequestBody,
    responses: Mapping[int, ResponseSpec],
    parameters: Sequence[Parameter] = (),
) -> dict[str, Any]:
    """What a route that reads its body raw is made with: Litestar sees neither body nor headers."""

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            self.request_body = body
            self.parameters = [*(self.parameters or ()), *parameters]

    return {"operation_class": Described, "responses": responses}


def responses_of(
    answer: type[Struct], refused: Sequence[int] = ALWAYS_REFUSED
) -> dict[int, ResponseSpec]:
    """The answers of a route: its own, and problem documents."""
    return {
        200: ResponseSpec(answer, description="Durable, or dropped with a reason"),
        **{
            status: ResponseSpec(
                ProblemDocument,
                description=_REFUSALS[status],
                media_type="application/problem+json",
            )
            for status in refused
        },
    }


MESSAGE_DOCUMENTED = {
    call: documented(json_body(_MESSAGE, {call: _EXAMPLES[call]}), responses_of(Answer))
    for call in _CALLS
}
BATCH_DOCUMENTED = documented(
    json_body(_BATCH, {"batch": {"batch": [{"type": call} | _EXAMPLES[call] for call in _CALLS]}}),
    responses_of(BatchAnswer),
)
