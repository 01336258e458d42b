"""Partners' campaigns: each code becomes a link when the campaign starts."""

from collections.abc import Sequence
from dataclasses import dataclass

from service_kit.events import Cause, DueRow, Event
from service_kit.transaction import Transaction
from shared_schemas.events.partners import CampaignLaunched

from ..domain import Organisation, State, Terms, plan
from ..domain.links import campaign_links
from ..store import loading, saving
from .desk import Decided, Desk, record

CAMPAIGN_STARTS = "campaign_starts"


class CampaignRefused(Exception):
    """A campaign's links cannot be issued; the message says why."""


@dataclass(frozen=True, slots=True)
class _Launch:
    campaign: CampaignLaunched
    cause: Cause


async def hear_campaigns(
    desk: Desk, tx: Transaction, events: Sequence[Event[CampaignLaunched]]
) -> None:
    """Issue links of campaigns that run, schedule those that start later, wait for the unknown."""
    if not events:
        return
    await loading.take_turn(tx)
    revisions = await loading.campaign_revisions(tx, [e.data.campaign_id for e in events])
    state = await loading.load(tx, _wanted([event.data for event in events]))
    applied: dict[str, int] = {}
    launches: list[_Launch] = []
    for event in events:
        campaign = event.data
        if campaign.revision <= revisions.get(campaign.campaign_id, 0):
            continue
        unknown = _unknown(campaign, state)
        if unknown is not None:
            tx.wait_for(event, *unknown)
            continue
        revisions[campaign.campaign_id] = applied[campaign.campaign_id] = campaign.revision
        if campaign.starts_at > event.now:
            payload = campaign.model_dump(mode="json")
            starts_at = campaign.starts_at
            tx.due(
                CAMPAIGN_STARTS,
                campaign.campaign_id,
                starts_at,
                cause=event.cause,
                payload=payload,
            )
        else:
            launches.append(_Launch(campaign, event.cause))
    if applied:
        await saving.save_campaigns(tx, applied.items())
    await _launch(desk, tx, state, launches)


async def start_campaigns(desk: Desk, tx: Transaction, rows: Sequence[DueRow]) -> None:
    """Issue the links of campaigns that start now, unless a later revision has replaced them."""
    await loading.take_turn(tx)
    campaigns = [CampaignLaunched.model_validate(row.payload) for row in rows]
    revisions = await loading.campaign_revisions(tx, [one.campaign_id for one in campaigns])
    state = await loading.load(tx, _wanted(campaigns))
    launches = [
        _Launch(campaign, row.cause)
        for campaign, row in zip(campaigns, rows, strict=True)
        if revisions.get(campaign.campaign_id) == campaign.revision
    ]
    await _launch(desk, tx, state, launches)


async def _launch(desk: Desk, tx: Transaction, state: State, launches: Sequence[_Launch]) -> None:
    decided: list[Decided] = []
    for launch in launches:
        campaign, cause = launch.campaign, launch.cause
        terms = Terms(
            now=cause.now,
            actor=campaign.actor,
            reason=f"campaign {campaign.campaign_id}",
            match_key=desk.match_key,
            destinations=desk.destinations,
        )
        wanted = Organisation(links=campaign_links(campaign))
        planned = plan(state, wanted, terms, campaign.campaign_id)
        if planned.faults:
            said = "; ".join(f"{fault.where}: {fault.problem}" for fault in planned.faults[:5])
            raise CampaignRefused(f"campaign {campaign.campaign_id}: {said}")
        state = planned.after
        decided += [Decided(change, campaign.actor, cause) for change in planned.changes]
    await record(desk, tx, decided)


def _wanted(campaigns: Sequence[CampaignLaunched]) -> loading.Wanted:
    return loading.Wanted(
        participants=sorted({campaign.participant_id for campaign in campaigns}),
        codes=sorted({code for campaign in campaigns for code in campaign.codes}),
    )


def _unknown(campaign: CampaignLaunched, state: State) -> tuple[str, str] | None:
    if campaign.program_id not in state.programs:
        return "program", campaign.program_id
    if campaign.market_id not in state.markets:
        return "market", campaign.market_id
    if campaign.participant_id not in state.participants:
        return "participant", campaign.participant_id
    return None
