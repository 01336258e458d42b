"""How people are reached: contacts come, change and are forgotten; customers get mailboxes."""

from collections.abc import Sequence
from datetime import datetime

from service_kit.events import Event
from service_kit.transaction import Transaction
from shared_schemas.events.contacts import ContactForgotten, ContactSealed
from shared_schemas.events.tracking import IdentityLinked
from shared_schemas.states import MessageState
from shared_schemas.words import Trust

from ..domain.delivery import Outcome
from ..store import deliveries, facts
from .concluding import conclude

FORGOTTEN = Outcome(MessageState.FAILED, "forgotten", tried=False)
Contact = Event[ContactSealed] | Event[ContactForgotten]
Reader = tuple[str, str]  # a subject, and whom its mails speak to: `referrer`, `referee`, `login`


async def hear_people(
    tx: Transaction, links: Sequence[Event[IdentityLinked]], contacts: Sequence[Contact]
) -> None:
    """Keep contacts sealed as they came, and the mailboxes that customers' ids stand for.

    Mails that waited for them are woken; mails to somebody who is forgotten end. All of these
    are locked by one statement, so that two batches take them in one order.
    """
    linked = await _hear_identities(tx, links)
    here, gone = await _hear_contacts(tx, contacts)
    if not linked and not here and not gone:
        return
    customers = await facts.customers_of(tx, here) if here else []
    ended = await _readers_of(tx, gone)
    locked = await deliveries.lock_mails(tx, [*linked, *here, *customers], ended)
    over = {one.delivery_id for one, _ in locked if one.reader in ended}
    waiting = [one.delivery_id for one, _ in locked if one.delivery_id not in over]
    if waiting:
        await deliveries.wake(tx, waiting, _first(links, contacts))
    if over:
        now = max(event.now for event in contacts)
        await conclude(tx, locked, dict.fromkeys(over, FORGOTTEN), now)


async def _hear_identities(tx: Transaction, events: Sequence[Event[IdentityLinked]]) -> list[str]:
    """The customers whose mailboxes changed.

    Only trusted reports count: anybody can claim a customer's id with a key that is in a page.
    """
    trusted = [
        event
        for event in events
        if event.data.trust is not Trust.PUBLISHABLE
        and event.data.customer_id is not None
        and event.data.email_hash is not None
    ]
    return await facts.apply_identities(tx, trusted) if trusted else []


async def _hear_contacts(tx: Transaction, events: Sequence[Contact]) -> tuple[list[str], list[str]]:
    """The subjects that can be reached now, and those that are forgotten."""
    if not events:
        return [], []
    changed = await facts.apply_contacts(tx, [event.data for event in events])
    newest = {event.data.subject: event for event in sorted(events, key=lambda e: e.data.revision)}
    gone = {one for one in changed if isinstance(newest[one].data, ContactForgotten)}
    return sorted(set(changed) - gone), sorted(gone)


async def _readers_of(tx: Transaction, subjects: Sequence[str]) -> set[Reader]:
    """Who cannot be reached any more once these subjects are forgotten."""
    if not subjects:
        return set()
    customers = await facts.customers_without_mailbox(tx, subjects)
    own = {(subject, side) for subject in subjects for side in ("referrer", "login")}
    return own | {(customer, "referee") for customer in customers}


def _first(links: Sequence[Event[IdentityLinked]], contacts: Sequence[Contact]) -> datetime:
    return min(event.now for event in (*links, *contacts))
