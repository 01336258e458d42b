"""The bodies that tracking publishes, as msgspec structs: fast twins of the pydantic contract.

A test holds fields, order and bytes equal to `shared_schemas.events`.
"""

from datetime import datetime
from typing import ClassVar

from msgspec import Struct
from msgspec.json import Encoder
from shared_schemas.sealed import Sealed
from shared_schemas.words import ConsentMode, ConsentState, TouchKind, Trigger, Trust


def _contract(value: object) -> object:
    if isinstance(value, Sealed):
        return value.model_dump()
    raise NotImplementedError(type(value).__name__)


encode = Encoder(enc_hook=_contract).encode


class Body(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event's body. `TYPE` is its CloudEvents type, `TOPIC` where it travels."""

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]

    @property
    def route(self) -> str:
        """The record's key, as the topic table names it."""
        raise NotImplementedError


class Consent(Struct, frozen=True, kw_only=True):
    """The market's mode and what the person has said."""

    mode: ConsentMode
    state: ConsentState

    @property
    def keeps_identifiers(self) -> bool:
        """Whether visitor, address and e-mail hash may be stored."""
        if self.mode is ConsentMode.OPT_IN:
            return self.state is ConsentState.GRANTED
        return self.state is not ConsentState.DENIED

    @property
    def keeps_clicks(self) -> bool:
        """Whether the click id, and with it the token, may be stored."""
        return self.state is not ConsentState.DENIED


class Touch(Body, frozen=True, kw_only=True, omit_defaults=True):
    """A click, or a view by way of somebody else's link token."""

    TOPIC = "tracking.touches"

    touch_id: str
    kind: TouchKind
    code: str
    program_id: str
    market_id: str
    click_id: str | None = None
    visitor_id: str | None = None
    customer_id: str | None = None
    email_hash: str | None = None
    address_hash: str | None = None
    agent_hash: str | None = None
    url_path: str | None = None
    consent: Consent
    trust: Trust
    occurred_at: datetime
    received_at: datetime

    @property
    def route(self) -> str:
        """The visitor, else the click or touch itself."""
        return self.visitor_id or self.click_id or self.touch_id


class Click(Touch, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody followed a link."""

    TYPE = "click.recorded.v1"


class Share(Touch, frozen=True, kw_only=True, omit_defaults=True):
    """A page was viewed by way of a link token."""

    TYPE = "share.recorded.v1"


class EnteredCode(Touch, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody typed, told or scanned a code."""

    TYPE = "code.entered.v1"


class SubmittedLead(Touch, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody was recommended by name; the contact travels sealed."""

    TYPE = "lead.submitted.v1"

    lead_id: str
    product: str | None = None


class Identity(Body, frozen=True, kw_only=True, omit_defaults=True):
    """Two or more ids belong to one person."""

    TYPE = "identity.linked.v1"
    TOPIC = "tracking.identities"

    visitor_id: str | None = None
    customer_id: str | None = None
    email_hash: str | None = None
    account_id: str | None = None
    address_hash: str | None = None
    trust: Trust
    market_id: str
    consent: Consent
    occurred_at: datetime
    received_at: datetime

    @property
    def route(self) -> str:
        """The visitor, else the customer, else the address' hash."""
        return self.visitor_id or self.customer_id or self.email_hash or "nobody"


class ConsentChange(Body, frozen=True, kw_only=True, omit_defaults=True):
    """A person granted or refused."""

    TYPE = "consent.changed.v1"
    TOPIC = "tracking.identities"

    visitor_id: str
    customer_id: str | None = None
    state: ConsentState
    market_id: str
    occurred_at: datetime
    received_at: datetime

    @property
    def route(self) -> str:
        """The visitor."""
        return self.visitor_id


class CarriedToken(Struct, frozen=True, kw_only=True):
    """A verified link token that came with a conversion."""

    code: str
    click_id: str
    clicked_at: datetime


class Conversion(Body, frozen=True, kw_only=True, omit_defaults=True):
    """A report of a conversion, in whole minor units."""

    TYPE = "conversion.recorded.v1"
    TOPIC = "tracking.conversions"

    conversion_id: str
    trigger: Trigger
    family: str
    reference: str
    amount_minor: int | None = None
    currency: str | None = None
    visitor_id: str | None = None
    customer_id: str | None = None
    email_hash: str | None = None
    account_id: str | None = None
    code: str | None = None
    token: CarriedToken | None = None
    product: str | None = None
    address_hash: str | None = None
    market_id: str
    consent: Consent
    trust: Trust
    occurred_at: datetime
    received_at: datetime

    @property
    def route(self) -> str:
        """The conversion."""
        return self.conversion_id


class Reversal(Body, frozen=True, kw_only=True, omit_defaults=True):
    """A refund or cancellation; without an amount it reverses the whole."""

    TYPE = "conversion.reversed.v1"
    TOPIC = "tracking.conversions"

    conversion_id: str
    reversal_id: str
    amount_minor: int | None = None
    currency: str | None = None
    reason: str
    trust: Trust
    market_id: str
    occurred_at: datetime
    received_at: datetime

    @property
    def route(self) -> str:
        """The conversion."""
        return self.conversion_id


class SubmittedContact(Body, frozen=True, kw_only=True, omit_defaults=True):
    """A contact, sealed to the day's public key."""

    TYPE = "contact.submitted.v1"
    TOPIC = "tracking.contacts"

    subject: str
    event_id: str
    sealed: Sealed
    language: str | None = None
    submitted_at: datetime

    @property
    def route(self) -> str:
        """Whose contact it is."""
        return self.subject
