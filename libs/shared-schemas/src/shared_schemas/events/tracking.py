"""What comes in at the door: touches, identities, consent, conversions, reversals."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from ..event import EventData, Id, Instant, Text, Value
from ..money import CurrencyCode, Minor, digits_of
from ..words import ConsentMode, ConsentState, TouchKind, Trigger, Trust
from .programs import HashHex


class Consent(Value):
    """The market's mode and what the person has said, as known when the event came in."""

    mode: ConsentMode
    state: ConsentState


class Touch(EventData):
    """What every touch says. The code's record tells whose touch it is."""

    touch_id: Id
    kind: TouchKind
    code: Id
    program_id: Id
    market_id: Id
    click_id: Id | None = None
    visitor_id: Id | None = None
    customer_id: Id | None = None
    email_hash: HashHex | None = None
    address_hash: HashHex | None = None
    agent_hash: HashHex | None = None
    url_path: Text | None = None
    consent: Consent
    trust: Trust = Trust.PUBLISHABLE
    occurred_at: Instant
    received_at: Instant

    @property
    def route(self) -> str:
        """The topic's key: the visitor, else the click or touch itself."""
        return self.visitor_id or self.click_id or self.touch_id


class ClickRecorded(Touch):
    """Somebody followed a link."""

    TYPE: ClassVar[str] = "click.recorded.v1"


class ShareRecorded(Touch):
    """A second visitor arrived with somebody else's link token."""

    TYPE: ClassVar[str] = "share.recorded.v1"


class CodeEntered(Touch):
    """Somebody typed, told or scanned a code."""

    TYPE: ClassVar[str] = "code.entered.v1"


class LeadSubmitted(Touch):
    """A participant or the person themselves submitted a lead; the contact travels sealed."""

    TYPE: ClassVar[str] = "lead.submitted.v1"
    lead_id: Id
    product: Id | None = None


class IdentityLinked(EventData):
    """Two or more ids belong to one person. Only trusted links may join two known users."""

    TYPE: ClassVar[str] = "identity.linked.v1"
    visitor_id: Id | None = None
    customer_id: Id | None = None
    email_hash: HashHex | None = None
    account_id: Id | None = None
    address_hash: HashHex | None = None
    trust: Trust
    market_id: Id
    consent: Consent
    occurred_at: Instant
    received_at: Instant

    @property
    def route(self) -> str:
        """The topic's key: the visitor, else the customer, else the address' hash."""
        return self.visitor_id or self.customer_id or self.email_hash or "nobody"

    @model_validator(mode="after")
    def _links_something(self) -> "IdentityLinked":
        if not (self.visitor_id or self.customer_id or self.email_hash):
            raise ValueError("an identity link names a visitor, customer or e-mail hash")
        return self


class IdentityUnlinked(IdentityLinked):
    """The ids were joined by mistake."""

    TYPE: ClassVar[str] = "identity.unlinked.v1"


class ConsentChanged(EventData):
    """A person granted or refused. A later refusal drops evidence that lacked consent."""

    TYPE: ClassVar[str] = "consent.changed.v1"
    visitor_id: Id
    customer_id: Id | None = None
    state: ConsentState
    market_id: Id
    occurred_at: Instant
    received_at: Instant

    @property
    def route(self) -> str:
        """The topic's key."""
        return self.visitor_id


class CarriedToken(Value):
    """A verified link token that came with a conversion: the touch can be rebuilt from it."""

    code: Id
    click_id: Id
    clicked_at: Instant


class ConversionRecorded(EventData):
    """An immutable report of a conversion, in whole minor units; signed-ups have no amount."""

    TYPE: ClassVar[str] = "conversion.recorded.v1"
    conversion_id: Id
    trigger: Trigger
    family: Id
    reference: Id
    amount_minor: Minor | None = None
    currency: CurrencyCode | None = None
    visitor_id: Id | None = None
    customer_id: Id | None = None
    email_hash: HashHex | None = None
    account_id: Id | None = None
    code: Id | None = None
    token: CarriedToken | None = None
    product: Id | None = None
    address_hash: HashHex | None = None
    market_id: Id
    consent: Consent
    trust: Trust
    occurred_at: Instant
    received_at: Instant

    @model_validator(mode="after")
    def _amount_has_currency(self) -> "ConversionRecorded":
        if (self.amount_minor is None) != (self.currency is None):
            raise ValueError("amount_minor and currency come together")
        if self.currency is not None:
            digits_of(self.currency)
        return self


class ConversionReversed(EventData):
    """A refund or cancellation; without an amount it reverses the whole."""

    TYPE: ClassVar[str] = "conversion.reversed.v1"
    conversion_id: Id
    reversal_id: Id
    amount_minor: Annotated[int, Field(ge=1)] | None = None
    currency: CurrencyCode | None = None
    reason: Text = ""
    trust: Trust
    market_id: Id
    occurred_at: Instant
    received_at: Instant
