"""What our own calls come to: conversions, reversals, leads, claimed codes, opt-outs."""

from typing import Any

from shared_schemas import ids
from shared_schemas.words import ConsentState, TouchKind, Trigger, Trust

from .case import Case
from .contacts import personal_data
from .conversions import SALES, conversion, reversal
from .fields import hint, text_of
from .native import Way
from .outcome import Contact, Decided, Dropped, Forbidden, Refused
from .people import language_of
from .tables import Link, Scope
from .wire import ConsentChange, EnteredCode, SubmittedLead

_MAX_LANGUAGE_CHARACTERS = 35


def converted(case: Case) -> Decided:
    """The report of a conversion; with a publishable key it stays unconfirmed until a trusted one
    comes."""
    trigger = Trigger(case.message.event)
    event = conversion(case, trigger)
    if trigger not in SALES and "order_id" in case.message.properties:
        case.warnings.append("reference left out: without money the customer names the conversion")
    if event.code is None and "code" in case.message.context:
        case.warnings.append("code is none of ours; left out")
    if case.trust is Trust.PUBLISHABLE:
        case.warnings.append("unconfirmed until a secret key or the CRM reports it")
    return Decided(event=event)


def taken_back(case: Case) -> Decided:
    """The report of a reversal. Raises Forbidden without a secret key."""
    return Decided(event=reversal(case, Trigger(case.message.event).family))


def led(case: Case) -> Decided:
    """The touch of a recommendation by name, and the contact of whom it names.

    The same person by the same code for the same product is the same lead. Raises Dropped without
    consent: a lead that reaches nobody is none.
    """
    case.require(Scope.LEADS)
    if not case.consent.keeps_identifiers:
        raise Dropped("no_consent", "without the person's consent no contact may be kept")
    message, link, personal = case.message, _link(case), personal_data(case.message.traits)
    hashed = case.email_hash(personal.get("email"))
    product = hint(message.properties, "product_id")
    phone = case.arrival.secrets.hashed("phone", personal.get("phone"))
    lead_id = ids.derived("lead", link.code, hashed or phone or "", product or "")
    event = SubmittedLead(
        **_touch(case, link, TouchKind.LEAD),
        email_hash=hashed,
        address_hash=case.address_hash,
        agent_hash=case.agent_hash,
        lead_id=lead_id,
        product=product,
    )
    language = language_of(text_of(message.context, "locale", _MAX_LANGUAGE_CHARACTERS), case)
    return Decided(event=event, contact=Contact(hashed or lead_id, personal, language, needed=True))


def claimed(case: Case) -> Decided:
    """The touch of a code that a person gave. On the phone and on paper it is entered by somebody
    else, whose network and browser say nothing. Raises Refused when nobody is named."""
    case.require(Scope.TOUCHES)
    message, link = case.message, _link(case)
    email = message.traits.get("email")
    if message.customer_id is None and message.visitor_id is None and email is None:
        raise Refused("nobody", "customer_id, visitor_id or email is required")
    typed = message.event == Way.TYPED
    event = EnteredCode(
        **_touch(case, link, TouchKind.CODE),
        email_hash=case.email_hash(email),
        address_hash=case.address_hash if typed else None,
        agent_hash=case.agent_hash if typed else None,
    )
    return Decided(event=event)


def opted_out(case: Case) -> Decided:
    """The refusal of a visitor, a customer or both. Anybody could name a customer in a page, so
    that needs a secret key. A customer without a browser refuses under a visitor that nobody is."""
    case.require(Scope.IDENTITIES)
    visitor_id, customer_id = case.message.visitor_id, case.message.customer_id
    if customer_id is not None and case.trust is not Trust.SECRET:
        if visitor_id is None:
            raise Forbidden("secret_key_required", "opting a customer out needs a secret key")
        case.warnings.append("customer_id left out: it needs a secret key")
        customer_id = None
    event = ConsentChange(
        visitor_id=visitor_id or ids.derived("no-visitor", customer_id or ""),
        customer_id=customer_id,
        state=ConsentState.DENIED,
        market_id=case.market_id,
        occurred_at=case.occurred_at,
        received_at=case.arrival.received_at,
    )
    return Decided(event=event)


def _link(case: Case) -> Link:
    if case.link is None:
        raise Refused("no_code", "code is required")
    return case.link


def _touch(case: Case, link: Link, kind: TouchKind) -> dict[str, Any]:
    """What every touch of a named code says. It is named by its event."""
    return {
        "touch_id": ids.derived("touch-of-code", case.event_id),
        "kind": kind,
        "code": link.code,
        "program_id": link.program_id,
        "market_id": case.market_id,
        "visitor_id": case.visitor_id,
        "customer_id": case.customer_id,
        "consent": case.consent,
        "trust": case.trust,
        "occurred_at": case.occurred_at,
        "received_at": case.arrival.received_at,
    }
