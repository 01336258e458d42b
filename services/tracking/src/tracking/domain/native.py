"""Our own calls (conversions, reversals, leads, claims, opt-outs), read into messages.

Unlike Segment's they are strict: an unknown field, or one that cannot be believed, is refused. The
message's event is the trigger of a conversion or reversal, and the way of a claim.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shared_schemas.money import MAX_MINOR, digits_of
from shared_schemas.words import Trigger

from .amounts import currency_of
from .contacts import PERSONAL_FIELDS
from .fields import NOTHING, Fields, identifier, instant
from .message import Message, consent_state
from .outcome import Refused

IDEMPOTENCY_KEY = "Idempotency-Key"


class Way(StrEnum):
    """How a code reached us: typed by the person, or entered for them by somebody of ours."""

    TYPED = "typed"
    PHONE = "phone"
    PAPER = "paper"


_ALWAYS = frozenset(("occurred_at", "sent_at", "writeKey"))
_PERSON = _ALWAYS | {"customer_id", "visitor_id", "email", "consent"}
_WHAT = frozenset(("trigger", "family", "reference", "amount", "amount_minor", "currency"))
CONVERSION_FIELDS = (
    _PERSON | _WHAT | {"account_id", "product", "content_id", "code", "token", "ip", "user_agent"}
)
REVERSAL_FIELDS = _ALWAYS | _WHAT | {"refund_id", "reason"}
LEAD_FIELDS = _PERSON | PERSONAL_FIELDS | {"code", "product", "language"}
CLAIM_FIELDS = _PERSON | {"code", "way"}
OPTOUT_FIELDS = _ALWAYS | {"customer_id", "visitor_id"}
_MAX_NAME_TOLD = 40


def read_conversion(raw: Fields, beside: Fields, _sent_at: datetime | None = None) -> Message:
    """A conversion: `trigger` or `family`, `reference`, amount, person, code or token."""
    _only(CONVERSION_FIELDS, raw)
    trigger = _trigger(raw, default=None)
    if trigger.family == Trigger.PURCHASE.family:
        _required(raw, "reference")
    context = _present(
        gw=raw.get("token"),
        code=identifier(raw, "code"),
        consent=_consent(raw),
        groupId=identifier(raw, "account_id"),
        ip=raw.get("ip"),
        userAgent=raw.get("user_agent"),
        traits=_present(email=raw.get("email")),
    )
    properties = _money(raw) | _present(
        order_id=identifier(raw, "reference"),
        content_id=identifier(raw, "content_id"),
        product_id=identifier(raw, "product"),
    )
    return _message(raw, beside, event=trigger.value, context=context, properties=properties)


def read_reversal(raw: Fields, beside: Fields, _sent_at: datetime | None = None) -> Message:
    """A reversal: the conversion's `reference` and family, the refund's own id, its amount."""
    _only(REVERSAL_FIELDS, raw)
    trigger = _trigger(raw, default=Trigger.PURCHASE)
    properties = _money(raw) | _present(
        order_id=_required(raw, "reference"),
        refund_id=identifier(raw, "refund_id"),
        reason=raw.get("reason"),
    )
    return _message(raw, beside, event=trigger.value, properties=properties)


def read_lead(raw: Fields, beside: Fields, _sent_at: datetime | None = None) -> Message:
    """A lead: the referrer's `code`, and how to reach whom they recommend."""
    _only(LEAD_FIELDS, raw)
    return _message(
        raw,
        beside,
        code=_required(raw, "code"),
        context=_present(consent=_consent(raw), locale=raw.get("language")),
        traits={name: raw[name] for name in PERSONAL_FIELDS if name in raw},
        properties=_present(product_id=identifier(raw, "product")),
    )


def read_claim(raw: Fields, beside: Fields, _sent_at: datetime | None = None) -> Message:
    """A claim: somebody says that a code brought them. Its `code` stands in the address."""
    _only(CLAIM_FIELDS, raw)
    return _message(
        raw,
        beside,
        event=_way(raw),
        code=_required(raw, "code"),
        context=_present(consent=_consent(raw)),
        traits=_present(email=raw.get("email")),
    )


def read_optout(raw: Fields, beside: Fields, _sent_at: datetime | None = None) -> Message:
    """An opt-out of a visitor, a customer or both."""
    _only(OPTOUT_FIELDS, raw)
    message = _message(raw, beside, context={"consent": "denied"})
    if message.visitor_id is None and message.customer_id is None:
        raise Refused("nobody", "visitor_id or customer_id is required")
    return message


def _message(
    raw: Fields,
    beside: Fields,
    *,
    event: str = "",
    code: str | None = None,
    **parts: Mapping[str, object],
) -> Message:
    return Message(
        message_id=identifier(beside, IDEMPOTENCY_KEY),
        event=event,
        customer_id=identifier(raw, "customer_id"),
        visitor_id=identifier(raw, "visitor_id"),
        traits=parts.get("traits", NOTHING),
        properties=parts.get("properties", NOTHING),
        context=parts.get("context", NOTHING),
        timestamp=instant(raw, "occurred_at"),
        sent_at=instant(raw, "sent_at"),
        code=code,
    )


def _only(known: frozenset[str], raw: Fields) -> None:
    for name in raw:
        if name not in known:
            told = name if name.isascii() and name.isidentifier() else ""
            raise Refused("unknown_field", f"{told[:_MAX_NAME_TOLD]} is no field of this call")


def _present(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None and value != ""}


def _trigger(raw: Fields, default: Trigger | None) -> Trigger:
    """The trigger that is named, else its family's first. Raises Refused."""
    named, family = _word(raw, "trigger"), _word(raw, "family")
    if named is None and family is not None:
        named = Trigger.PURCHASE.value if family == Trigger.PURCHASE.family else family
    try:
        trigger = Trigger(named) if named is not None else default
    except ValueError:
        trigger = None
    if trigger is None:
        raise Refused("invalid_trigger", f"trigger is one of {', '.join(Trigger)}")
    if family is not None and trigger.family != family:
        raise Refused("invalid_trigger", f"a {trigger} is of the family {trigger.family}")
    return trigger


def _word(raw: Fields, name: str) -> str | None:
    """A word of a vocabulary. Raises Refused for what is no text."""
    value = raw.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Refused(f"invalid_{name}", f"{name} is not text")
    return value


def _required(raw: Fields, name: str) -> str:
    value = identifier(raw, name)
    if value is None:
        raise Refused(f"no_{name}", f"{name} is required")
    return value


def _money(raw: Fields) -> dict[str, object]:
    """The amount as a decimal `total`, exact. Raises Refused."""
    amount, minor = raw.get("amount"), raw.get("amount_minor")
    if minor is None:
        return _present(total=amount, currency=raw.get("currency"))
    if amount is not None:
        raise Refused("invalid_amount", "amount and amount_minor exclude each other")
    currency = currency_of(raw)
    if currency is None:
        raise Refused("invalid_currency", "amount_minor needs its currency")
    if type(minor) is not int or not 0 <= minor <= MAX_MINOR:
        raise Refused("invalid_amount", f"amount_minor is not a whole number up to {MAX_MINOR}")
    return {"total": Decimal(minor).scaleb(-digits_of(currency)), "currency": currency}


def _consent(raw: Fields) -> str | None:
    """What the person said. Raises Refused for anything but granted, denied or silence."""
    said = _word(raw, "consent")
    if said is not None and consent_state(said).value != said:
        raise Refused("invalid_consent", "consent is neither granted nor denied")
    return said


def _way(raw: Fields) -> str:
    named = _word(raw, "way")
    try:
        return Way(named).value if named is not None else Way.TYPED.value
    except ValueError:
        raise Refused("invalid_way", f"way is one of {', '.join(Way)}") from None
