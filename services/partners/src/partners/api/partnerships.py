"""Partners and their campaigns: onboarded, launched, looked at."""

from litestar import Response, get, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from service_kit.events import Cause
from service_kit.runtime import Runtime
from service_kit.telemetry import current_traceparent
from service_kit.transaction import Transaction
from shared_schemas.events.partners import PartnerOnboarded

from ..domain import NewCampaign, NewPartner, Refused, launch, onboard
from ..settings import Settings
from ..store import decisions, tables
from .gate import READ, WRITE, Admitted, needs
from .views import (
    After,
    CampaignView,
    Conflict,
    Limit,
    NotFound,
    PartnerView,
    PathId,
    campaign_view,
    partner_view,
)

_SOURCE = "goodword/partners"


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """Reading and writing."""
    return [*_partners(runtime), _launches(runtime), *_campaigns(runtime)]


def _partners(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    @post(
        "/partners",
        **needs(runtime, WRITE),
        summary="Onboard a partner",
        description="Its participant exists and is of the group partner. The same body again is"
        " answered alike; another one under a known id is a conflict.",
    )
    async def create(data: JSONBody[NewPartner], actor: Admitted) -> Response[PartnerView]:
        async with runtime.transaction() as tx:
            await decisions.take_turn(tx)
            known = await decisions.partner(tx, data.partner_id)
            earns_for = await decisions.partner_of(tx, data.participant_id)
            if known is None and earns_for is not None:
                raise Conflict(f"{data.participant_id} earns for the partner {earns_for} already.")
            participant = await tables.participant(tx, data.participant_id)
            try:
                event = onboard(known, data, participant, now=runtime.now(), actor=actor.name)
            except Refused as refused:
                raise Conflict(str(refused)) from None
            if event is not None:
                await decisions.add_partner(tx, event)
                tx.emit(event, cause=_cause(runtime, f"partner/{event.partner_id}/1"))
        shown = event or known
        assert shown is not None
        return Response(partner_view(shown), status_code=201 if event else 200)

    @get("/partners", **needs(runtime, READ), summary="Partners by id, in pages")
    async def partners(after: After = "", limit: Limit = 100) -> list[PartnerView]:
        async with runtime.transaction() as tx:
            return [partner_view(one) for one in await decisions.partners(tx, after, limit)]

    @get("/partners/{partner_id:str}", **needs(runtime, READ), summary="One partner")
    async def partner(partner_id: PathId) -> PartnerView:
        async with runtime.transaction() as tx:
            return partner_view(await found(tx, partner_id))

    return [create, partners, partner]


def _launches(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @post(
        "/partners/{partner_id:str}/campaigns",
        **needs(runtime, WRITE),
        summary="Launch a campaign",
        description="Each code becomes a link while the campaign runs. The same body again is"
        " answered alike; another one under a known id is a conflict.",
    )
    async def create(
        partner_id: PathId, data: JSONBody[NewCampaign], actor: Admitted
    ) -> Response[CampaignView]:
        async with runtime.transaction() as tx:
            await decisions.take_turn(tx)
            partner = await found(tx, partner_id)
            known = await decisions.campaign(tx, data.campaign_id)
            taken = await decisions.taken_codes(tx, data.codes)
            try:
                event = launch(known, data, partner, taken, now=runtime.now(), actor=actor.name)
            except Refused as refused:
                raise Conflict(str(refused)) from None
            if event is not None:
                await decisions.add_campaign(tx, event)
                tx.emit(event, cause=_cause(runtime, f"campaign/{event.campaign_id}/1"))
            states = await tables.link_states(tx, data.codes)
        shown = event or known
        assert shown is not None
        return Response(campaign_view(shown, states), status_code=201 if event else 200)

    return create


def _campaigns(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    @get(
        "/partners/{partner_id:str}/campaigns",
        **needs(runtime, READ),
        summary="A partner's campaigns, the latest first",
    )
    async def campaigns(partner_id: PathId) -> list[CampaignView]:
        async with runtime.transaction() as tx:
            await found(tx, partner_id)
            listed = await decisions.campaigns(tx, partner_id)
            codes = [code for one in listed for code in one.codes]
            states = await tables.link_states(tx, codes)
        return [campaign_view(one, states) for one in listed]

    @get(
        "/partners/{partner_id:str}/campaigns/{campaign_id:str}",
        **needs(runtime, READ),
        summary="One campaign, and what became of its codes",
    )
    async def campaign(partner_id: PathId, campaign_id: PathId) -> CampaignView:
        async with runtime.transaction() as tx:
            one = await decisions.campaign(tx, campaign_id)
            if one is None or one.partner_id != partner_id:
                raise NotFound("This partner has no such campaign.")
            return campaign_view(one, await tables.link_states(tx, one.codes))

    return [campaigns, campaign]


async def found(tx: Transaction, partner_id: str) -> PartnerOnboarded:
    """The partner, or NotFound."""
    partner = await decisions.partner(tx, partner_id)
    if partner is None:
        raise NotFound("There is no such partner.")
    return partner


def _cause(runtime: Runtime[Settings], natural_id: str) -> Cause:
    return Cause.of_request(_SOURCE, natural_id, runtime.now(), current_traceparent())
