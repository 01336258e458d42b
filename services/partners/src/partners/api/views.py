"""What the API shows, and how it refuses."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from litestar.params import Parameter, PathParameter
from pydantic import BaseModel, ConfigDict, Field
from service_kit.problems import Rejected
from shared_schemas.events.partners import CampaignLaunched, PartnerOnboarded

from ..domain import Line

_PLAIN = r"^[^\x00-\x1f]*$"
PathId = Annotated[str, PathParameter(max_length=200, pattern=_PLAIN)]
After = Annotated[
    str, Parameter(max_length=200, pattern=_PLAIN, description="the last id of the page before")
]
Limit = Annotated[int, Parameter(ge=1, le=500, description="how many at most")]


class NotFound(Rejected):
    """Nothing here has this id."""

    status = 404
    title = "There is no such thing here"


class Conflict(Rejected):
    """The request is well formed, but what is forbids it."""

    status = 409
    title = "This contradicts what is there"


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class PartnerView(_View):
    """A partner organisation."""

    partner_id: str
    name: str
    participant_id: str
    market_id: str
    onboarded_at: datetime
    actor: str


class CodeView(_View):
    """One code of a campaign."""

    code: str
    state: str = Field(description="active, expired, revoked; or awaited: not issued yet")


class CampaignView(_View):
    """A campaign and what became of its codes."""

    campaign_id: str
    partner_id: str
    name: str
    program_id: str
    market_id: str
    starts_at: datetime
    ends_at: datetime
    destination: str
    codes: list[CodeView]
    launched_at: datetime
    actor: str


class LineView(_View):
    """What moved in one month, in minor units; negative where more went back than came."""

    month: str
    currency: str
    digits: int
    campaign_id: str | None = Field(
        description="null: no campaign, or more than one, ran when the conversion occurred"
    )
    pending_minor: int
    approved_minor: int
    paid_minor: int
    reversed_minor: int
    netted_minor: int


class StatementView(_View):
    """A partner's statement: each month of each currency, whole and by campaign."""

    partner_id: str
    participant_id: str
    zone: str = Field("UTC", description="in which months begin and end")
    totals: list[LineView]
    by_campaign: list[LineView]


class MovementView(_View):
    """What one revision of one reward moved, and why: a statement is the sum of these."""

    reward_id: str
    revision: int
    conversion_id: str
    state: str
    reason: str
    campaign_id: str | None
    month: str
    currency: str
    digits: int
    posted_at: datetime
    pending_minor: int
    approved_minor: int
    paid_minor: int
    reversed_minor: int
    netted_minor: int


def partner_view(event: PartnerOnboarded) -> PartnerView:
    """A partner as it is shown."""
    return PartnerView.model_validate(event.model_dump())


def campaign_view(event: CampaignLaunched, states: dict[str, str]) -> CampaignView:
    """A campaign as it is shown."""
    codes = [{"code": code, "state": states.get(code, "awaited")} for code in event.codes]
    return CampaignView.model_validate(event.model_dump() | {"codes": codes})


def line_view(line: Line) -> LineView:
    """A line as it is shown."""
    return LineView.model_validate({**asdict(line), **asdict(line.amounts)})
