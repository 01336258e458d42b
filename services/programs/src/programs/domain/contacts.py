"""Decides which contact of a subject counts, and when its key is destroyed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared_schemas.events.contacts import ContactForgotten, ContactSealed
from shared_schemas.ids import derived
from shared_schemas.sealed import Sealed

_FIELDS = ("email", "phone", "name", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A contact, opened, on its way to its subject's own key. Never printed."""

    subject: str
    event_id: str
    submitted_at: datetime
    language: str | None
    personal: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A subject's contact as it is kept; `sealed` None is forgotten.

    The submission that counts is the latest by (submitted_at, event_id), in whatever order they
    come. `generation` counts the subject's keys: a forgotten one is never used again.
    """

    subject: str
    revision: int
    generation: int
    event_id: str
    submitted_at: datetime
    language: str | None
    sealed: Sealed | None
    forgotten_at: datetime | None = None

    @property
    def key_id(self) -> str:
        """The id of the subject's present key."""
        return person_key_id(self.subject, self.generation)


def person_key_id(subject: str, generation: int) -> str:
    """The id of a subject's nth key."""
    return derived("person-key", subject, generation)


def counts(known: Contact | None, submission: Submission) -> bool:
    """Whether a submission is newer than what is kept, and than what was forgotten."""
    if known is None:
        return True
    if known.forgotten_at is not None and submission.submitted_at <= known.forgotten_at:
        return False
    return (submission.submitted_at, submission.event_id) > (known.submitted_at, known.event_id)


def next_generation(known: Contact | None) -> int:
    """The generation of the key under which the next contact is sealed."""
    if known is None:
        return 1
    return known.generation + 1 if known.sealed is None else known.generation


def contact_after(known: Contact | None, submission: Submission, sealed: Sealed) -> Contact:
    """The contact once a submission that counts is sealed under the subject's key."""
    return Contact(
        subject=submission.subject,
        revision=known.revision + 1 if known else 1,
        generation=next_generation(known),
        event_id=submission.event_id,
        submitted_at=submission.submitted_at,
        language=submission.language or (known.language if known else None),
        sealed=sealed,
        forgotten_at=known.forgotten_at if known else None,
    )


def forgotten(known: Contact, now: datetime) -> Contact | None:
    """The contact once its key is destroyed; None if nothing is left to forget."""
    if known.sealed is None:
        return None
    forgotten_at = max(now, known.submitted_at)
    return replace(known, revision=known.revision + 1, sealed=None, forgotten_at=forgotten_at)


def announced(contact: Contact) -> ContactSealed | ContactForgotten:
    """The event that tells what a contact is now."""
    if contact.sealed is None:
        assert contact.forgotten_at is not None
        return ContactForgotten(
            subject=contact.subject,
            revision=contact.revision,
            forgotten_at=contact.forgotten_at,
        )
    return ContactSealed(
        subject=contact.subject,
        revision=contact.revision,
        sealed=contact.sealed,
        language=contact.language,
    )


def personal_of(opened: Mapping[str, str]) -> dict[str, str]:
    """The fields that a contact may have; anything else that came along is dropped."""
    return {name: opened[name] for name in _FIELDS if opened.get(name)}
