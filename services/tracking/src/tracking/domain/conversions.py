"""Track calls: conversions, their reversals, and a change of consent."""

from collections.abc import Mapping

from shared_schemas import ids
from shared_schemas.words import ConsentState, Trigger, Trust

from .amounts import currency_of, first_amount, minor_units
from .case import Case, account_of
from .fields import hint, identifier, part, text_of
from .message import consent_state
from .outcome import Decided, Dropped, Forbidden, Refused
from .tables import Scope
from .wire import CarriedToken, ConsentChange, Conversion, Reversal

TRIGGERS: Mapping[str, Trigger] = {
    "signed up": Trigger.SIGNED_UP,
    "demo requested": Trigger.DEMO_REQUESTED,
    "trial started": Trigger.TRIAL_STARTED,
    "content downloaded": Trigger.CONTENT_DOWNLOADED,
    "order completed": Trigger.PURCHASE,
    "subscription renewed": Trigger.RENEWAL,
}
REFUND = "order refunded"
CONSENT = "consent updated"
SALES = frozenset(trigger for trigger in Trigger if trigger.family == Trigger.PURCHASE.family)
_AMOUNTS = ("total", "revenue", "value")
_MAX_REASON_CHARACTERS = 64


def tracked(case: Case) -> Decided:
    """The event of a track call. Raises Dropped for an event that triggers nothing."""
    name = case.message.event.casefold()
    if name in TRIGGERS:
        return Decided(event=conversion(case, TRIGGERS[name]))
    if name == REFUND:
        return Decided(event=reversal(case, Trigger.PURCHASE.family))
    if name == CONSENT:
        return Decided(event=_consent_change(case))
    if not name:
        raise Refused("no_event", "a track call names its event")
    raise Dropped("not_a_trigger", "not a trigger: events of this name are not recorded here")


def conversion(case: Case, trigger: Trigger) -> Conversion:
    """The report of a conversion. Raises Refused, and Dropped for one that is never paid."""
    case.require(Scope.CONVERSIONS)
    message, keeps = case.message, case.consent
    reference = _reference(case, trigger)
    amount_minor, currency = _money(case) if trigger in SALES else (None, None)
    if trigger in SALES and amount_minor is None:
        case.warnings.append("no amount came along; recorded without one")
    return Conversion(
        conversion_id=ids.conversion_id(trigger.family, reference),
        trigger=trigger,
        family=trigger.family,
        reference=reference,
        amount_minor=amount_minor,
        currency=currency,
        visitor_id=case.visitor_id,
        customer_id=case.customer_id,
        email_hash=case.email_hash(_email(case)),
        account_id=account_of(message.context, part(message.context, "traits")),
        code=_code(case),
        token=_carried(case) if keeps.keeps_clicks else None,
        product=hint(message.properties, "product_id"),
        address_hash=case.address_hash,
        market_id=case.market_id,
        consent=case.consent,
        trust=case.trust,
        occurred_at=case.occurred_at,
        received_at=case.arrival.received_at,
    )


def _reference(case: Case, trigger: Trigger) -> str:
    """The order's own reference; without money the customer, with the object if it can repeat."""
    if trigger in SALES:
        return _order(case)
    customer_id = case.message.customer_id
    if customer_id is None:
        raise Dropped("no_customer", "no customer: never paid")
    if trigger is not Trigger.CONTENT_DOWNLOADED:
        return customer_id
    content_id = identifier(case.message.properties, "content_id")
    reference = f"{customer_id}/{content_id}" if content_id else customer_id
    return identifier({"content_id": reference}, "content_id") or customer_id


def _order(case: Case) -> str:
    order_id = identifier(case.message.properties, "order_id")
    if order_id is None:
        raise Refused("no_order", "properties.order_id is required")
    return order_id


def _money(case: Case) -> tuple[int | None, str | None]:
    properties = case.message.properties
    amount = first_amount(properties, *_AMOUNTS)
    if amount is None:
        return None, None
    currency = currency_of(properties)
    if currency is None:
        if case.policy is None:
            raise Refused("invalid_currency", "currency is required")
        currency = case.policy.currency
        case.warnings.append(f"no currency; taken as the market's {currency}")
    amount_minor, rounded = minor_units(amount, currency)
    if rounded:
        case.warnings.append(f"the amount was rounded half-even to whole minor units of {currency}")
    return amount_minor, currency


def _email(case: Case) -> object:
    traits = part(case.message.context, "traits")
    return traits.get("email") or case.message.properties.get("email")


def _code(case: Case) -> str | None:
    """A typed code that is one of ours; else, where the token may not be kept, its code."""
    properties, context = case.message.properties, case.message.context
    for fields, name in ((context, "code"), (properties, "coupon")):
        code = hint(fields, name)
        link = case.known_link(code) if code is not None else None
        if link is not None:
            return link.code
    return case.token.code if case.token and not case.consent.keeps_clicks else None


def _carried(case: Case) -> CarriedToken | None:
    token = case.token
    if token is None:
        return None
    return CarriedToken(code=token.code, click_id=token.click_id, clicked_at=token.clicked_at)


def reversal(case: Case, family: str) -> Reversal:
    """The report of a refund of one conversion of a family. Raises Refused."""
    if case.trust is not Trust.SECRET:
        raise Forbidden("secret_key_required", "a reversal needs a secret key")
    case.require(Scope.CONVERSIONS)
    properties = case.message.properties
    conversion_id = ids.conversion_id(family, _order(case))
    amount_minor, currency = _money(case)
    if amount_minor == 0:
        raise Refused("invalid_amount", "a refund of nothing; leave the amount out for the whole")
    return Reversal(
        conversion_id=conversion_id,
        reversal_id=ids.reversal_id(
            conversion_id, identifier(properties, "refund_id") or case.event_id
        ),
        amount_minor=amount_minor,
        currency=currency,
        reason=_reason(text_of(properties, "reason", _MAX_REASON_CHARACTERS)),
        trust=case.trust,
        market_id=case.market_id,
        occurred_at=case.occurred_at,
        received_at=case.arrival.received_at,
    )


def _reason(text: str | None) -> str:
    """A reason code; free text might name somebody, and is left out."""
    return text if text and text.replace("_", "").isalnum() and text.isascii() else ""


def _consent_change(case: Case) -> ConsentChange:
    case.require(Scope.IDENTITIES)
    state = consent_state(case.message.properties.get("state"))
    if state is ConsentState.UNKNOWN:
        raise Refused("invalid_consent", "properties.state is neither granted nor denied")
    if case.message.visitor_id is None:
        raise Refused("no_visitor", "a change of consent names its anonymousId")
    return ConsentChange(
        visitor_id=case.message.visitor_id,
        customer_id=case.message.customer_id,
        state=state,
        market_id=case.market_id,
        occurred_at=case.occurred_at,
        received_at=case.arrival.received_at,
    )
