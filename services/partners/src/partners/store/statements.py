"""Every revision of the rewards that partners earn, and what moved with each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service_kit.transaction import Transaction
from shared_schemas.events.rewards import RewardChanged

from ..domain import Amounts, Line


@dataclass(frozen=True, slots=True)
class Movement:
    """What one revision of one reward moved, and why."""

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


async def add_revisions(tx: Transaction, events: Sequence[RewardChanged]) -> None:
    """Keep revisions of rewards; one that is there stays as it is."""
    await tx.execute(
        """
        INSERT INTO reward_revisions (
               reward_id, revision, beneficiary_id, conversion_id, program_id, market_id, state,
               reason, currency, digits, pending_minor, approved_minor, paid_minor,
               reversed_minor, netted_minor, occurred_at, posted_at)
        SELECT *
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[],
                      $7::text[], $8::text[], $9::text[], $10::integer[], $11::bigint[],
                      $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
                      $16::timestamptz[], $17::timestamptz[])
            ON CONFLICT (reward_id, revision) DO NOTHING
        """,
        [e.reward_id for e in events],
        [e.revision for e in events],
        [e.beneficiary_id for e in events],
        [e.conversion_id for e in events],
        [e.program_id for e in events],
        [e.market_id for e in events],
        [e.state.value for e in events],
        [e.reason for e in events],
        [e.currency for e in events],
        [e.digits for e in events],
        [e.pending_minor for e in events],
        [e.approved_minor for e in events],
        [e.paid_minor for e in events],
        [e.reversed_minor for e in events],
        [e.netted_minor for e in events],
        [e.occurred_at for e in events],
        [e.posted_at for e in events],
    )


async def statement(tx: Transaction, beneficiary_id: str) -> list[Line]:
    """What moved, by month, currency and campaign; months in which nothing moved are left out."""
    rows = await tx.fetch(
        """
        SELECT month, currency, digits, campaign_id,
               sum(pending_minor)::bigint AS pending_minor,
               sum(approved_minor)::bigint AS approved_minor,
               sum(paid_minor)::bigint AS paid_minor,
               sum(reversed_minor)::bigint AS reversed_minor,
               sum(netted_minor)::bigint AS netted_minor
          FROM movements
         WHERE beneficiary_id = $1
         GROUP BY month, currency, digits, campaign_id
        HAVING bool_or(pending_minor <> 0 OR approved_minor <> 0 OR paid_minor <> 0
                       OR reversed_minor <> 0 OR netted_minor <> 0)
         ORDER BY month, currency, campaign_id NULLS LAST
        """,
        beneficiary_id,
    )
    return [
        Line(
            month=row["month"],
            currency=row["currency"],
            digits=row["digits"],
            campaign_id=row["campaign_id"],
            amounts=Amounts(
                row["pending_minor"],
                row["approved_minor"],
                row["paid_minor"],
                row["reversed_minor"],
                row["netted_minor"],
            ),
        )
        for row in rows
    ]


async def movements(
    tx: Transaction, beneficiary_id: str, after: tuple[str, int], limit: int
) -> list[Movement]:
    """What each revision moved: the evidence of a statement, by reward and revision."""
    rows = await tx.fetch(
        """
        SELECT reward_id, revision, conversion_id, state, reason, campaign_id, month, currency,
               digits, posted_at, pending_minor, approved_minor, paid_minor, reversed_minor,
               netted_minor
          FROM movements
         WHERE beneficiary_id = $1
           AND (reward_id, revision) > ($2, $3)
         ORDER BY reward_id, revision
         LIMIT $4
        """,
        beneficiary_id,
        *after,
        limit,
    )
    return [Movement(*row.values()) for row in rows]
