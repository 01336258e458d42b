"""Contacts: opened with the day's key, sealed again under the subject's own, or forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from service_kit.events import Cause, Event
from service_kit.metrics import counter
from service_kit.transaction import Transaction
from shared_schemas.events.contacts import ContactSubmitted
from shared_schemas.sealed import new_subject_key, open_with_private, seal_with

from ..domain.contacts import (
    Contact,
    Submission,
    announced,
    contact_after,
    counts,
    forgotten,
    next_generation,
    person_key_id,
    personal_of,
)
from ..store import people
from ..store.vault import Vault

log = structlog.stdlib.get_logger(__name__)
_dropped = counter("contacts_forgotten", "Contacts forgotten on arrival", "reason")


@dataclass(frozen=True, slots=True)
class Opened:
    """A submission in plain, for as long as it takes to seal it, and its cause."""

    submission: Submission
    cause: Cause


async def hear_contacts(
    tx: Transaction, vault: Vault, events: Sequence[Event[ContactSubmitted]]
) -> None:
    """Seal what can still be read. Raises CannotOpen for a ciphertext that was tampered with."""
    if not events:
        return
    keys = await people.private_day_keys(
        tx, vault, sorted({event.data.sealed.key_id for event in events})
    )
    readable = [event for event in events if event.data.sealed.key_id in keys]
    if gone := len(events) - len(readable):
        _dropped("day_key_destroyed").inc(gone)
        log.info("contacts forgotten on arrival", count=gone)
    await seal(tx, vault, [_opened(event, keys) for event in readable])


async def seal(tx: Transaction, vault: Vault, opened: Sequence[Opened]) -> None:
    """Keep the newest contact of each subject under the subject's key, and announce it."""
    if not opened:
        return
    subjects = sorted({one.submission.subject for one in opened})
    await people.lock_subjects(tx, subjects)
    known, keys = await people.contacts(tx, vault, subjects)
    changed: dict[str, Contact] = {}
    for one in opened:
        subject = one.submission.subject
        before = known.get(subject)
        if not counts(before, one.submission):
            continue
        key = keys.get(subject) or new_subject_key()
        key_id = person_key_id(subject, next_generation(before))
        sealed = seal_with(key, key_id, one.submission.personal)
        known[subject] = changed[subject] = contact_after(before, one.submission, sealed)
        keys[subject] = key
        tx.emit(announced(known[subject]), cause=one.cause)
    if changed:
        await people.save_contacts(tx, vault, list(changed.values()), keys)


async def forget(tx: Transaction, vault: Vault, subject: str, cause: Cause) -> Contact | None:
    """Destroy a subject's key; None if no contact of it is kept."""
    await people.lock_subjects(tx, [subject])
    known, _ = await people.contacts(tx, vault, [subject])
    contact = forgotten(known[subject], cause.now) if subject in known else None
    if contact is not None:
        await people.save_contacts(tx, vault, [contact], {})
        tx.emit(announced(contact), cause=cause)
    return contact


def _opened(event: Event[ContactSubmitted], keys: dict[str, str]) -> Opened:
    data = event.data
    submission = Submission(
        subject=data.subject,
        event_id=data.event_id,
        submitted_at=data.submitted_at,
        language=data.language,
        personal=personal_of(open_with_private(keys[data.sealed.key_id], data.sealed)),
    )
    return Opened(submission, event.cause)
