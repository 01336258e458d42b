"""The account-credit rail's own book."""

from datetime import datetime

from service_kit.transaction import Transaction

from ..domain.values import Payout


async def add(tx: Transaction, payout: Payout, now: datetime) -> None:
    """Credit a beneficiary, unless this payout has been credited."""
    await tx.execute(
        """
        INSERT INTO account_credits
               (payout_id, beneficiary_id, amount_minor, currency, credited_at)
        VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (payout_id) DO NOTHING
        """,
        payout.payout_id,
        payout.beneficiary_id,
        payout.amount_minor,
        payout.currency,
        now,
    )


async def is_there(tx: Transaction, payout_id: str) -> bool:
    """Whether this payout has been credited."""
    found = await tx.fetchval("SELECT true FROM account_credits WHERE payout_id = $1", payout_id)
    return found is not None
