"""The end of a webhook endpoint: nothing more is sent there, and what waited for it fails."""

from collections.abc import Sequence
from datetime import datetime

from service_kit.transaction import Transaction
from shared_schemas.states import MessageState

from ..domain.delivery import Outcome
from ..store import deliveries, endpoints
from .concluding import conclude

DISABLED = Outcome(MessageState.FAILED, "endpoint_disabled", tried=False)


async def disable(
    tx: Transaction, endpoint_ids: Sequence[str], reason: str, now: datetime
) -> list[str]:
    """Disable endpoints and fail their due webhooks; returns those that were still enabled."""
    disabled = await endpoints.disable(tx, endpoint_ids, reason, now)
    if disabled:
        waiting = await deliveries.lock_of_endpoints(tx, disabled)
        await conclude(tx, waiting, {one.delivery_id: DISABLED for one, _ in waiting}, now)
    return disabled
