"""Partner organisations and their co-branded campaigns."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from ..event import EventData, Id, Instant, Text


class PartnerOnboarded(EventData):
    """A partner organisation and the participant that earns for it: whole state."""

    TYPE: ClassVar[str] = "partner.onboarded.v1"
    partner_id: Id
    revision: Annotated[int, Field(ge=1)]
    name: Text
    participant_id: Id
    market_id: Id
    onboarded_at: Instant
    actor: Id


class CampaignLaunched(EventData):
    """A co-branded campaign: between its dates its codes lead to its destination."""

    TYPE: ClassVar[str] = "campaign.launched.v1"
    campaign_id: Id
    revision: Annotated[int, Field(ge=1)]
    partner_id: Id
    participant_id: Id
    program_id: Id
    market_id: Id
    name: Text
    starts_at: Instant
    ends_at: Instant
    destination: Annotated[str, StringConstraints(max_length=2_000, pattern=r"^https?://")]
    codes: Annotated[tuple[Id, ...], Field(min_length=1, max_length=100)]
    launched_at: Instant
    actor: Id
