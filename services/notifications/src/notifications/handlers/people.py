"""How people are reached: contacts come, change and are forgotten; customers get mailboxes."""

from collections.abc import Sequence

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


async def hear_identities(tx: Transaction, events: Sequence[Event[IdentityLinked]]) -> None:
    """Keep which mailbox a customer's id stands for.

    Only trusted reports count: anybody can claim a customer's id with a key that is in a page.
    """
    trusted = [
        event
        for event in events
        if event.data.trust is not Trust.PUBLISHABLE
        and event.data.customer_id is not None
        and event.data.email_hash is not None
    ]
    if not trusted:
        return
    if changed := await facts.apply_identities(tx, trusted):
        await deliveries.wake(tx, changed, min(event.now for event in trusted))


async def hear_contacts(
    tx: Transaction, events: Sequence[Event[ContactSealed] | Event[ContactForgotten]]
) -> None:
    """Keep each newest contact sealed as it came; wake the mails that waited for it.

    A contact that is forgotten ends the mails to its subject that are still due.
    """
    if not events:
        return
    changed = await facts.apply_contacts(tx, [event.data for event in events])
    if not changed:
        return
    newest = {event.data.subject: event for event in sorted(events, key=lambda e: e.data.revision)}
    gone = [one for one in changed if isinstance(newest[one].data, ContactForgotten)]
    here = sorted(set(changed) - set(gone))
    if here:
        customers = await facts.customers_of(tx, here)
        await deliveries.wake(tx, [*here, *customers], min(newest[one].now for one in here))
    if gone:
        await _forget(tx, {subject: newest[subject] for subject in gone})


async def _forget(
    tx: Transaction, gone: dict[str, Event[ContactSealed] | Event[ContactForgotten]]
) -> None:
    customers = await facts.customers_without_mailbox(tx, list(gone))
    subjects = [(one, side) for one in sorted(gone) for side in ("referrer", "login")]
    subjects += [(one, "referee") for one in customers]
    ended = await deliveries.lock_mails(
        tx, [subject for subject, _ in subjects], [side for _, side in subjects]
    )
    now = max(event.now for event in gone.values())
    await conclude(tx, ended, {one.delivery_id: FORGOTTEN for one, _ in ended}, now)
