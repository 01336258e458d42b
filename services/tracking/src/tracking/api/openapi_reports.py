"""How our own calls are described in the OpenAPI document."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIType, Parameter, RequestBody, Schema
from msgspec import Struct
from shared_schemas.words import Trigger

from ..domain.forms import IDEMPOTENCY_FIELD, RETURN_TO
from ..domain.interpret import Kind
from ..domain.native import IDEMPOTENCY_KEY, Way
from .openapi import (
    ALWAYS_REFUSED,
    FORM_TYPE,
    JSON_TYPE,
    TEXT,
    TIME,
    documented,
    json_body,
    media,
    responses_of,
)


class Reported(Struct, frozen=True):
    """What became of a call, and the ids of what was recorded."""

    success: bool
    result: str
    event_id: str | None = None
    conversion_id: str | None = None
    reversal_id: str | None = None
    lead_id: str | None = None
    touch_id: str | None = None
    code: str | None = None
    reason: str | None = None


def _text(description: str) -> Schema:
    return Schema(type=OpenAPIType.STRING, description=description)


def _one_of(words: type[Trigger] | type[Way]) -> Schema:
    return Schema(type=OpenAPIType.STRING, enum=[word.value for word in words])


_ALWAYS = {
    "occurred_at": TIME,
    "sent_at": _text("ISO 8601; what the client's clock says when it sends"),
    "writeKey": _text("the key, where no header can be set"),
}
_PERSON = _ALWAYS | {
    "customer_id": _text("the organisation's own id of the person"),
    "visitor_id": _text("the browser's anonymous id"),
    "email": _text("kept as a keyed hash; a lead's also sealed"),
    "consent": Schema(type=OpenAPIType.STRING, enum=["granted", "denied", "unknown"]),
}
_WHAT = {
    "trigger": _one_of(Trigger),
    "family": _text("instead of trigger: `sale`, or a trigger without money"),
    "reference": _text("the order's own number; without money the customer names a conversion"),
    "amount": _text("a decimal number, as text to keep its digits"),
    "amount_minor": Schema(type=OpenAPIType.INTEGER, minimum=0, description="or: minor units"),
    "currency": _text("ISO 4217; without one the market's"),
}
_CODE = {"code": _text("the referrer's code")}
_CONVERSION = (
    _PERSON
    | _WHAT
    | _CODE
    | {
        "token": _text("the link token (`gw` in the address)"),
        "account_id": TEXT,
        "product": TEXT,
        "content_id": TEXT,
        "ip": _text("the person's address, hashed; secret keys only"),
        "user_agent": TEXT,
    }
)
_REVERSAL = (
    _ALWAYS
    | _WHAT
    | {"refund_id": _text("the refund's own number"), "reason": _text("a reason code")}
)
_LEAD = (
    _PERSON
    | _CODE
    | {
        "phone": _text("in international form; sealed"),
        "name": _text("sealed, at most 200 characters"),
        "note": _text("sealed, at most 1,000 characters"),
        "product": TEXT,
        "language": _text("such as `de-CH`"),
    }
)
_CLAIM = _PERSON | {"way": _one_of(Way)}
_OPTOUT = _ALWAYS | {
    "visitor_id": _PERSON["visitor_id"],
    "customer_id": _text("needs a secret key"),
}
_OF_FORMS = {
    IDEMPOTENCY_FIELD: _text(f"stands in for the header {IDEMPOTENCY_KEY}"),
    RETURN_TO: _text("where to go afterwards; only the host that the link leads to"),
}
_KEY = Parameter(
    name=IDEMPOTENCY_KEY,
    param_in="header",
    schema=Schema(type=OpenAPIType.STRING, max_length=200),
    description="Makes the call have its effect once; with another body it is refused.",
)
_BY_FORM = {303: ResponseSpec(None, description="A form was taken; the way back that it named")}
_WITH_CODE = (*ALWAYS_REFUSED, 404, 410)


def _object(properties: Mapping[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    return Schema(
        type=OpenAPIType.OBJECT,
        properties=dict(properties),
        required=list(required) or None,
        additional_properties=False,
    )


def _as_json(
    summary: str,
    properties: Mapping[str, Schema],
    required: tuple[str, ...],
    examples: Mapping[str, object],
) -> dict[str, Any]:
    body = json_body(_object(properties, required), examples)
    return {"summary": summary} | documented(body, responses_of(Reported), (_KEY,))


def _also_as_form(
    summary: str,
    properties: Mapping[str, Schema],
    required: tuple[str, ...],
    example: Mapping[str, str],
) -> dict[str, Any]:
    """A call that people fill in; its form is answered with a page or the way back."""
    form = Schema(
        type=OpenAPIType.OBJECT,
        properties={**properties, **_OF_FORMS},
        required=list(required) or None,
    )
    body = RequestBody(
        content={
            JSON_TYPE: media(_object(properties, required), {"call": example}),
            FORM_TYPE: media(form, {"form": urlencode(example)}),
        },
        required=True,
        description="JSON, whatever its content type, also gzip; or a form without JavaScript.",
    )
    refused = ALWAYS_REFUSED if properties is _OPTOUT else _WITH_CODE
    return {"summary": summary} | documented(
        body, responses_of(Reported, refused) | _BY_FORM, (_KEY,)
    )


_CLAIM_EXAMPLE = {"customer_id": "customer-1", "way": "phone", "consent": "granted"}
CLAIM_DOCUMENTED = _also_as_form(
    "Report that a person gave the code in the address", _CLAIM, (), _CLAIM_EXAMPLE
)
DOCUMENTED: Mapping[Kind, dict[str, Any]] = {
    Kind.CONVERSION: _as_json(
        "Report one conversion; with a publishable key it stays unconfirmed",
        _CONVERSION,
        (),
        {
            "sale": {
                "trigger": "purchase",
                "reference": "order-1",
                "amount_minor": 4990,
                "currency": "EUR",
                "customer_id": "customer-1",
                "token": "LINK_TOKEN",
            },
            "sign-up": {"trigger": "signed_up", "customer_id": "customer-1", "code": "anna"},
        },
    ),
    Kind.REVERSAL: _as_json(
        "Report a refund or cancellation; secret keys only",
        _REVERSAL,
        ("reference",),
        {
            "refund": {
                "reference": "order-1",
                "refund_id": "refund-1",
                "amount": "10.00",
                "currency": "EUR",
                "reason": "requested_by_customer",
            },
            "whole": {"reference": "order-1", "refund_id": "refund-2"},
        },
    ),
    Kind.LEAD: _also_as_form(
        "Submit a person who is recommended: how to reach them, sealed",
        _LEAD,
        ("code",),
        {
            "code": "anna",
            "email": "ben@example.com",
            "phone": "+49 30 123456",
            "name": "Ben Muster",
            "product": "pro",
            "consent": "granted",
            "note": "Would like a call in the morning.",
        },
    ),
    Kind.CLAIM: _also_as_form(
        "Report that a person gave a code, as typed, told or on paper",
        _CLAIM | _CODE,
        ("code",),
        _CLAIM_EXAMPLE | {"code": "anna"},
    ),
    Kind.OPTOUT: _also_as_form(
        "Refuse consent for a visitor or a customer", _OPTOUT, (), {"visitor_id": "visitor-1"}
    ),
}
