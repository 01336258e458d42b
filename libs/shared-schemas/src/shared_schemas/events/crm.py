"""What connectors outside the platform publish of leads and opportunities. Never an address."""

from typing import ClassVar

from pydantic import model_validator

from ..event import EventData, Id, Instant
from ..money import CurrencyCode, Minor
from ..states import ReferralStage
from .programs import HashHex


class LeadChanged(EventData):
    """A lead as the CRM sees it at `changed_at`; `goodword hash` makes email_hash."""

    TYPE: ClassVar[str] = "lead.changed.v1"
    record_id: Id
    connector: Id
    changed_at: Instant
    stage: ReferralStage
    market_id: Id
    customer_id: Id | None = None
    email_hash: HashHex | None = None
    code: Id | None = None
    product: Id | None = None


class OpportunityChanged(LeadChanged):
    """An opportunity; won with an amount it is a sale (its order's reference, else its own id)."""

    TYPE: ClassVar[str] = "opportunity.changed.v1"
    amount_minor: Minor | None = None
    currency: CurrencyCode | None = None
    order_reference: Id | None = None
    account_id: Id | None = None

    @model_validator(mode="after")
    def _amount_has_currency(self) -> "OpportunityChanged":
        if (self.amount_minor is None) != (self.currency is None):
            raise ValueError("amount_minor and currency come together")
        return self
