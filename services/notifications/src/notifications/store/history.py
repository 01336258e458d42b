"""Deliveries as an operator asks for them."""

from service_kit.transaction import Transaction

from ..domain.delivery import Delivery
from .rows import DELIVERY_COLUMNS, delivery_of


async def deliveries(tx: Transaction, subject: str, reward_id: str, limit: int) -> list[Delivery]:
    """Deliveries to a subject, or about a reward, the newest first."""
    rows = await tx.fetch(
        f"""
        SELECT {DELIVERY_COLUMNS}
          FROM deliveries AS d
         WHERE ($1 <> '' AND d.subject = $1)
            OR ($2 <> '' AND d.reward_id = $2)
         ORDER BY d.created_at DESC, d.delivery_id
         LIMIT $3
        """,  # noqa: S608 - constants of this package
        subject,
        reward_id,
        limit,
    )
    return [delivery_of(row) for row in rows]


async def is_known(tx: Transaction, delivery_id: str) -> bool:
    """Whether there is such a delivery."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM deliveries WHERE delivery_id = $1)", delivery_id
    )
    return found
