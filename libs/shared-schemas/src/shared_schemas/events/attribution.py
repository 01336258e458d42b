"""What attribution decides: referrals and their stages, credits with reasons, counts."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from ..event import EventData, Id, Instant, Text, Value
from ..money import CurrencyCode, Minor
from ..states import ConversionState, ReferralStage
from ..words import AttributionModel, Group, TouchKind, Trigger
from .programs import ExactFraction

MAX_EVIDENCE = 50


class ReferralOpened(EventData):
    """A referral's whole state; (program, participant, person) has one."""

    TYPE: ClassVar[str] = "referral.opened.v1"
    referral_id: Id
    revision: Annotated[int, Field(ge=1)]
    program_id: Id
    participant_id: Id
    group: Group
    market_id: Id
    stage: ReferralStage
    origin: TouchKind | None = None
    opened_at: Instant
    changed_at: Instant
    reason: Text = ""
    record_ids: tuple[Id, ...] = ()
    conversion_ids: Annotated[tuple[Id, ...], Field(max_length=MAX_EVIDENCE)] = ()


class ReferralAdvanced(ReferralOpened):
    """A referral moved to another stage."""

    TYPE: ClassVar[str] = "referral.advanced.v1"


class ReferralClosed(ReferralOpened):
    """A referral that nothing more will come of."""

    TYPE: ClassVar[str] = "referral.closed.v1"


class Evidence(Value):
    """One touch and what became of it in the decision."""

    touch_id: Id
    kind: TouchKind
    code: Id
    participant_id: Id | None = None
    at: Instant
    counted: bool
    why: Text
    trace_id: Id | None = None


class Share(Value):
    """One participant's part of a conversion: an exact weight and whole minor units."""

    participant_id: Id
    group: Group
    program_id: Id
    program_version: Annotated[int, Field(ge=1)]
    market_id: Id
    referral_id: Id
    weight: ExactFraction
    amount_minor: Minor
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=MAX_EVIDENCE)] = ()
    evidence_count: Annotated[int, Field(ge=0)]


class ConversionDecided(EventData):
    """The facts of a conversion and how far attribution is with it: whole state, by revision."""

    conversion_id: Id
    revision: Annotated[int, Field(ge=1)]
    state: ConversionState
    trigger: Trigger
    family: Id
    reference: Id
    amount_minor: Minor
    refunded_minor: Minor = 0
    currency: CurrencyCode | None = None
    customer_id: Id | None = None
    referee_id: Id = Field(description="the referee as beneficiary, fixed at the first credit")
    product: Id | None = None
    market_id: Id
    occurred_at: Instant
    first_reported_at: Instant = Field(description="earliest ce_time of a trusted report")
    grace_ends_at: Instant
    policy_version: Annotated[int, Field(ge=1)]
    model: AttributionModel
    reason: Text
    refused: Annotated[tuple[Evidence, ...], Field(max_length=MAX_EVIDENCE)] = ()
    refused_count: Annotated[int, Field(ge=0)] = 0
    after_grace_count: Annotated[int, Field(ge=0)] = 0
    look_alike_of: Id | None = None
    next_step: Text


class ConversionCredited(ConversionDecided):
    """The whole split; amounts of the shares sum exactly to amount less refunds."""

    TYPE: ClassVar[str] = "conversion.credited.v1"
    shares: tuple[Share, ...]


class ConversionUnattributed(ConversionDecided):
    """Nobody is credited (yet): the reason says why."""

    TYPE: ClassVar[str] = "conversion.unattributed.v1"
    expires_at: Instant | None = None


class TouchesCounted(EventData):
    """All touches of a code on one day (UTC), counted anew: whole state."""

    TYPE: ClassVar[str] = "touches.counted.v1"
    code: Id
    day: date
    revision: Annotated[int, Field(ge=1)]
    clicks: Annotated[int, Field(ge=0)]
    share_views: Annotated[int, Field(ge=0)]
    codes_entered: Annotated[int, Field(ge=0)]
    leads: Annotated[int, Field(ge=0)]
    as_of: Instant

    @property
    def bucket(self) -> str:
        """The topic's key: compaction keeps one row a code and day."""
        return f"{self.code}/{self.day.isoformat()}"
