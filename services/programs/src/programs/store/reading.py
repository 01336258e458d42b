"""What the admin API lists, a page at a time, and who may come in."""

from dataclasses import dataclass
from datetime import datetime

from service_kit.transaction import Transaction
from shared_schemas.events.programs import KeyIssued, LinkIssued, ParticipantEnrolled

from ..domain import KeyState


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One change that somebody made; `differences` is a JSON list of what, before and after."""

    change_id: str
    changed_at: datetime
    actor: str
    kind: str
    id: str
    reason: str
    differences: str
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class ContactRow:
    """What may be said of a subject's contact without opening it."""

    subject: str
    revision: int
    key_id: str
    language: str | None
    sealed: bool
    forgotten_at: datetime | None


async def key_by_hash(tx: Transaction, key_hash: str) -> KeyState | None:
    """The key that a raw key belongs to. A hash is at most twice there, under a retired id."""
    row = await tx.fetchrow(
        """
        SELECT revision, revoked_at, state
          FROM keys
         WHERE hash = $1
         ORDER BY revoked_at IS NOT NULL, key_id
         LIMIT 1
        """,
        key_hash,
    )
    return None if row is None else _key(row["state"], row["revision"], row["revoked_at"])


async def keys_page(tx: Transaction, after: str, limit: int) -> list[KeyState]:
    """Keys by id."""
    rows = await tx.fetch(
        """
        SELECT revision, revoked_at, state
          FROM keys
         WHERE key_id > $1
         ORDER BY key_id
         LIMIT $2
        """,
        after,
        limit,
    )
    return [_key(row["state"], row["revision"], row["revoked_at"]) for row in rows]


async def participants_page(tx: Transaction, after: str, limit: int) -> list[ParticipantEnrolled]:
    """Participants by id."""
    rows = await tx.fetch(
        """
        SELECT state
          FROM participants
         WHERE participant_id > $1
         ORDER BY participant_id
         LIMIT $2
        """,
        after,
        limit,
    )
    return [ParticipantEnrolled.model_validate_json(row["state"]) for row in rows]


async def links_page(
    tx: Transaction, after: str, limit: int, participant_id: str | None
) -> list[LinkIssued]:
    """Links by code, all or one participant's."""
    rows = await tx.fetch(
        """
        SELECT state
          FROM links
         WHERE code > $1
           AND ($3::text IS NULL OR participant_id = $3)
         ORDER BY code
         LIMIT $2
        """,
        after,
        limit,
        participant_id,
    )
    return [LinkIssued.model_validate_json(row["state"]) for row in rows]


async def audit_page(tx: Transaction, kind: str, subject: str, limit: int) -> list[AuditRow]:
    """The latest changes first; of everything where kind and id are empty."""
    rows = await tx.fetch(
        """
        SELECT change_id, changed_at, actor, kind, id, reason, differences, traceparent
          FROM audit
         WHERE ($1 = '' OR kind = $1)
           AND ($2 = '' OR id = $2)
         ORDER BY changed_at DESC, change_id
         LIMIT $3
        """,
        kind,
        subject,
        limit,
    )
    return [AuditRow(*row.values()) for row in rows]


async def contact(tx: Transaction, subject: str) -> ContactRow | None:
    """Whether a subject has a contact here, and under which key."""
    row = await tx.fetchrow(
        """
        SELECT subject, revision, key_id, language, key IS NOT NULL AS sealed, forgotten_at
          FROM contacts
         WHERE subject = $1
        """,
        subject,
    )
    return None if row is None else ContactRow(*row.values())


def _key(state: str, revision: int, revoked_at: datetime | None) -> KeyState:
    return KeyState(KeyIssued.model_validate_json(state), revision, revoked_at)
