"""The one way in which a delivery's state changes after its intent was kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from service_kit.events import Cause
from service_kit.transaction import Transaction
from shared_schemas.states import MessageState

from ..domain.delivery import Delivery, Notice, Outcome, message_of, settled
from ..store import deliveries
from ..store.rows import Told


async def conclude(
    tx: Transaction, locked: Sequence[Told], outcomes: Mapping[str, Outcome], now: datetime
) -> list[Delivery]:
    """Settle locked deliveries by id, and what a digest carries as the digest itself.

    What a digest carries stays due while the digest is tried again.
    """
    changed: list[Told] = []
    for delivery, notice in locked:
        outcome = outcomes.get(delivery.delivery_id)
        if outcome is None and delivery.digest_id is not None:
            outcome = outcomes.get(delivery.digest_id)
            if outcome is not None and outcome.state is MessageState.DUE:
                continue
        if outcome is not None and _may_follow(delivery, outcome):
            changed.append((settled(delivery, outcome, now), notice))
    if changed:
        await deliveries.save(tx, [delivery for delivery, _ in changed])
    for delivery, notice in changed:
        announce(tx, delivery, notice, now)
    return [delivery for delivery, _ in changed]


def _may_follow(delivery: Delivery, outcome: Outcome) -> bool:
    """An attempt that outlived its window may say how it ended, but not that it is due again."""
    return delivery.state is MessageState.DUE or outcome.state is not MessageState.DUE


def announce(tx: Transaction, delivery: Delivery, notice: Notice, now: datetime) -> None:
    """Publish what became of a delivery; nothing while it is due.

    Its cause is the event that it tells of, and its id is one for each delivery and revision.
    """
    message = message_of(delivery)
    if message is not None:
        tx.emit(message, cause=_cause(notice, now), n=_ordinal(delivery), subject=delivery.subject)


def _cause(notice: Notice, now: datetime) -> Cause:
    return Cause(notice.source, notice.event_id, now, notice.correlation_id, notice.traceparent)


def _ordinal(delivery: Delivery) -> int:
    return UUID(delivery.delivery_id).int + delivery.revision
