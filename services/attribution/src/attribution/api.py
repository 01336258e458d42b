"""What operators ask: why a conversion is credited as it is, and how far a referral has come."""

from typing import Annotated, Any

from litestar import Router, get
from litestar.params import Parameter
from litestar.types import ControllerRouterHandler
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from service_kit.http import to_operators
from service_kit.problems import Rejected
from service_kit.runtime import Runtime
from shared_schemas.event import MAX_ID_CHARACTERS
from shared_schemas.events.attribution import ConversionCredited, ConversionUnattributed
from shared_schemas.states import ReferralStage
from shared_schemas.words import Group, TouchKind, Trigger

from .domain.referrals import Referral
from .domain.values import Heard
from .settings import Settings
from .store import reading

Id = Annotated[str, Parameter(min_length=1, max_length=MAX_ID_CHARACTERS)]


class ConversionUnknown(Rejected):
    """Nothing has been decided of a conversion of this id."""

    status = 404
    title = "No such conversion"


class ReferralUnknown(Rejected):
    """No referral has this id."""

    status = 404
    title = "No such referral"


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class HeardView(_View):
    """When and as what a fact came in."""

    at: AwareDatetime
    source: str
    event_id: str


class ReportView(_View):
    """One report of the conversion."""

    heard: HeardView
    trusted: bool = Field(description="by a secret key or the CRM")
    trigger: Trigger
    amount_minor: int | None
    currency: str | None
    identifiers: tuple[str, ...]
    code: str | None
    click_id: str | None
    occurred_at: AwareDatetime


class ReversalView(_View):
    """One refund; without an amount it takes back the whole."""

    reversal_id: str
    heard: HeardView
    trusted: bool
    amount_minor: int | None
    currency: str | None


class ConversionView(_View):
    """The decision as it was published, and the facts of the conversion behind it."""

    decision: ConversionCredited | ConversionUnattributed
    reports: tuple[ReportView, ...]
    reversals: tuple[ReversalView, ...]


class ReferralView(_View):
    """A referral as it is."""

    referral_id: str
    revision: int
    program_id: str
    participant_id: str
    group: Group
    market_id: str
    stage: ReferralStage
    origin: TouchKind
    opened_at: AwareDatetime
    last_at: AwareDatetime = Field(description="when its last touch was")
    changed_at: AwareDatetime
    reason: str
    record_ids: tuple[str, ...]
    sale_ids: tuple[str, ...]
    other_ids: tuple[str, ...]


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """The operators' routes; each asks for the operator token."""

    @get("/conversions/{conversion_id:str}", summary="Who is credited for it, and why")
    async def conversion(conversion_id: Id) -> ConversionView:
        async with runtime.transaction() as tx:
            decision = await reading.decision_of(tx, conversion_id)
            reports, reversals = await reading.facts_of(tx, conversion_id)
        if decision is None:
            raise ConversionUnknown
        return ConversionView(
            decision=_decision(decision),
            reports=tuple(ReportView.model_validate(_shown(report)) for report in reports),
            reversals=tuple(
                ReversalView.model_validate(_shown(reversal)) for reversal in reversals
            ),
        )

    @get("/referrals/{referral_id:str}", summary="How far it has come, and why")
    async def referral(referral_id: Id) -> ReferralView:
        async with runtime.transaction() as tx:
            found: Referral | None = await reading.referral_of(tx, referral_id)
        if found is None:
            raise ReferralUnknown
        return ReferralView.model_validate(found)

    handlers = [conversion, referral]
    opened = to_operators(runtime.settings)
    return [Router("/v1", route_handlers=handlers, tags=["decisions"], **opened)]


def _decision(body: str) -> ConversionCredited | ConversionUnattributed:
    credited = '"shares"' in body
    model = ConversionCredited if credited else ConversionUnattributed
    return model.model_validate_json(body)


def _shown(fact: Any) -> dict[str, Any]:
    """A fact's own fields, with when it was heard by name."""
    heard: Heard = fact.heard
    own = {name: getattr(fact, name) for name in fact.__slots__}
    return own | {"heard": heard._asdict()}
