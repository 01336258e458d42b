"""Due work: what becomes of silence, and what a changed fact of the control plane changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from service_kit.events import DueRow
from service_kit.service import DueHandler
from service_kit.transaction import Transaction

from ..domain.book import Book
from ..domain.referrals import gone_silent, silent_at
from ..domain.values import ALWAYS
from ..domain.wording import Occasion
from ..store.book import hold_book, load_book, outlast_readers
from ..store.people import Named, People, lock
from ..store.referrals import lock_referrals, save_referrals, who_was_referred
from ..store.revisits import Revisit, conversions_touched_by
from .announcing import announce_referrals
from .changes import Changes
from .counting import recount
from .settling import settle


async def lapse(tx: Transaction, rows: Sequence[DueRow]) -> None:
    """Conversions that nobody trusted has confirmed in time."""
    changes = Changes()
    for row in rows:
        changes.lapsing[row.subject] = row.due_at
        changes.convert(row.subject, Occasion.SILENCE, row.cause)
    await _settle_named(tx, changes)


async def revisit(tx: Transaction, rows: Sequence[DueRow]) -> None:
    """Conversions still in grace that a new revision of a fact may change, page by page.

    Whoever was deciding without the new revision is waited for, then found with the others.
    """
    if not all(row.payload["after"] for row in rows):
        await outlast_readers(tx)
    found = await conversions_touched_by(tx, [_revisit(row) for row in rows])
    changes = Changes()
    for row, touched in zip(rows, found, strict=True):
        for conversion_id in touched.conversion_ids:
            changes.convert(conversion_id, Occasion.POLICY, row.cause)
        if touched.next_page is not None:
            _turn(tx, row, *touched.next_page)
    if changes:
        await _settle_named(tx, changes)


def _turn(tx: Transaction, row: DueRow, through: datetime, after: str) -> None:
    subject = f"{row.subject.partition('#')[0]}#{through.isoformat()}/{after}"
    payload = {**row.payload, "through": through.isoformat(), "after": after}
    tx.due("revisit", subject, row.due_at, cause=row.cause, payload=payload)


def _revisit(row: DueRow) -> Revisit:
    since, through = row.payload["since"], row.payload.get("through")
    return Revisit(
        key=str(row.payload["key"]),
        since=datetime.fromisoformat(str(since)) if since else ALWAYS,
        through=datetime.fromisoformat(str(through)) if through else row.now,
        after=str(row.payload["after"]) if through else "",
    )


async def _settle_named(tx: Transaction, changes: Changes) -> None:
    await hold_book(tx)
    people = People()
    await lock(tx, people, Named(conversion_ids=frozenset(changes.conversions)))
    await settle(tx, changes, people, Book())


async def end_silence(tx: Transaction, rows: Sequence[DueRow]) -> None:
    """Referrals of which nothing came within the window of their last touch."""
    due = {row.subject: row for row in sorted(rows, key=lambda row: row.due_at)}
    people = People()
    names = await who_was_referred(tx, due)
    await lock(tx, people, Named(identifiers=frozenset(names)))
    referrals = await lock_referrals(tx, frozenset(), due)
    book = await load_book(tx, {f"market/{referral.market_id}" for referral in referrals})
    closed = []
    for referral in referrals:
        row = due[referral.referral_id]
        window = book.policies[referral.market_id][-1].window_of(referral.group)
        silent = gone_silent(referral, window, row.now)
        if silent is not None:
            announce_referrals(tx, [referral], [silent], row.cause, book)
            closed.append(silent)
        elif silent_at(referral, window) > row.now:
            tx.due("referral", referral.referral_id, silent_at(referral, window), cause=row.cause)
    await save_referrals(tx, closed)


DUE: Mapping[str, DueHandler] = {
    "count": recount,
    "referral": end_silence,
    "revisit": revisit,
    "unconfirmed": lapse,
}
