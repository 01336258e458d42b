"""Partners and campaigns, as they were published."""

from collections.abc import Sequence

from service_kit.transaction import Transaction
from shared_schemas.events.partners import CampaignLaunched, PartnerOnboarded


async def take_turn(tx: Transaction) -> None:
    """Decisions on partners and campaigns take turns, until the transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('partners/decisions', 0))")


async def partner(tx: Transaction, partner_id: str) -> PartnerOnboarded | None:
    """One partner."""
    state = await tx.fetchval("SELECT state FROM partners WHERE partner_id = $1", partner_id)
    return None if state is None else PartnerOnboarded.model_validate_json(state)


async def partner_of(tx: Transaction, participant_id: str) -> str | None:
    """The partner that a participant earns for."""
    found: str | None = await tx.fetchval(
        "SELECT partner_id FROM partners WHERE participant_id = $1", participant_id
    )
    return found


async def partners(tx: Transaction, after: str, limit: int) -> list[PartnerOnboarded]:
    """Partners by id."""
    rows = await tx.fetch(
        """
        SELECT state
          FROM partners
         WHERE partner_id > $1
         ORDER BY partner_id
         LIMIT $2
        """,
        after,
        limit,
    )
    return [PartnerOnboarded.model_validate_json(row["state"]) for row in rows]


async def add_partner(tx: Transaction, event: PartnerOnboarded) -> None:
    """Keep a partner that was onboarded just now."""
    await tx.execute(
        "INSERT INTO partners (partner_id, participant_id, state) VALUES ($1, $2, $3::jsonb)",
        event.partner_id,
        event.participant_id,
        event.to_json().decode(),
    )


async def campaign(tx: Transaction, campaign_id: str) -> CampaignLaunched | None:
    """One campaign."""
    state = await tx.fetchval("SELECT state FROM campaigns WHERE campaign_id = $1", campaign_id)
    return None if state is None else CampaignLaunched.model_validate_json(state)


async def campaigns(tx: Transaction, partner_id: str) -> list[CampaignLaunched]:
    """A partner's campaigns, the latest first."""
    rows = await tx.fetch(
        """
        SELECT state
          FROM campaigns
         WHERE partner_id = $1
         ORDER BY starts_at DESC, campaign_id
         LIMIT 500
        """,
        partner_id,
    )
    return [CampaignLaunched.model_validate_json(row["state"]) for row in rows]


async def add_campaign(tx: Transaction, event: CampaignLaunched) -> None:
    """Keep a campaign that was launched just now, and reserve its codes."""
    await tx.execute(
        """
        INSERT INTO campaigns (campaign_id, partner_id, program_id, market_id,
                               starts_at, ends_at, state)
        VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb)
        """,
        event.campaign_id,
        event.partner_id,
        event.program_id,
        event.market_id,
        event.starts_at,
        event.ends_at,
        event.to_json().decode(),
    )
    await tx.execute(
        """
        INSERT INTO campaign_codes (code, campaign_id)
        SELECT code, $2 FROM unnest($1::text[]) AS new (code)
        """,
        list(event.codes),
        event.campaign_id,
    )


async def taken_codes(tx: Transaction, codes: Sequence[str]) -> set[str]:
    """Those of the codes that another campaign has reserved or that are links already."""
    rows = await tx.fetch(
        """
        SELECT code FROM campaign_codes WHERE code = ANY($1::text[])
         UNION
        SELECT code FROM links WHERE code = ANY($1::text[])
        """,
        codes,
    )
    return {row["code"] for row in rows}
