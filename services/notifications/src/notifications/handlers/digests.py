"""Due digests: what was collected for one reader becomes one mail."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from service_kit.events import DueRow
from service_kit.transaction import Transaction
from shared_schemas import ids

from ..domain.delivery import Delivery, Notice, digest_mail, side_of
from ..store import deliveries, digests
from ..store.rows import Told

DIGEST_SOURCE = "notifications/digest"


async def send_digests(tx: Transaction, rows: Sequence[DueRow]) -> None:
    """Make one mail of what each row's reader has been collecting; none if nothing is left."""
    wanted = [(str(row.payload["subject"]), str(row.payload["side"]), row) for row in rows]
    in_time = sorted(wanted, key=lambda one: one[2].due_at)
    await digests.advance(tx, {(subject, side): row.due_at for subject, side, row in in_time})
    collected = await deliveries.lock_collected(
        tx,
        [subject for subject, _, _ in wanted],
        [side for _, side, _ in wanted],
        [row.due_at for _, _, row in wanted],
    )
    found: dict[tuple[str, str, datetime | None], list[Delivery]] = {}
    for one, _ in collected:
        found.setdefault((one.subject, side_of(one.template), one.digest_at), []).append(one)
    mails: list[Told] = []
    carried: list[Delivery] = []
    for subject, side, row in wanted:
        if mine := found.get((subject, side, row.due_at)):
            notice = _notice(row, subject, side)
            mail = digest_mail(notice, mine[0])
            mails.append((mail, notice))
            carried += [replace(one, digest_id=mail.delivery_id) for one in mine]
    if mails:
        await deliveries.add_notices(tx, [notice for _, notice in mails])
        await deliveries.add(tx, [mail for mail, _ in mails])
        await deliveries.save(tx, carried)


def _notice(row: DueRow, subject: str, side: str) -> Notice:
    return Notice(
        source=DIGEST_SOURCE,
        event_id=ids.derived("digest", side, subject, row.due_at.isoformat()),
        event_type="digest",
        at=row.due_at,
        correlation_id=row.cause.correlation_id,
        traceparent=row.cause.traceparent,
        body={"due_at": row.due_at.isoformat()},
    )
