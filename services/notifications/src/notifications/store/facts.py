"""What was heard: participants, markets, admin keys, contacts, identities."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service_kit.events import Event
from service_kit.transaction import Transaction
from shared_schemas.events.contacts import ContactForgotten, ContactSealed
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    KeyIssued,
    KeyRevoked,
    ParticipantEnrolled,
)
from shared_schemas.events.tracking import IdentityLinked, IdentityUnlinked


@dataclass(frozen=True, slots=True)
class AdminKey:
    """Who an admin key stands for, and what it may do."""

    actor_id: str
    scopes: frozenset[str]
    expires_at: datetime | None


async def apply_participants(tx: Transaction, states: Sequence[ParticipantEnrolled]) -> list[str]:
    """Keep each participant's newest state; returns the ids of those that changed."""
    newest = {one.participant_id: one for one in sorted(states, key=lambda one: one.revision)}
    rows = await tx.fetch(
        """
        INSERT INTO participants AS known (participant_id, revision, language, market_id)
        SELECT participant_id, revision, language, market_id
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[])
               AS new (participant_id, revision, language, market_id)
         ORDER BY participant_id
            ON CONFLICT (participant_id) DO UPDATE
           SET revision = EXCLUDED.revision,
               language = EXCLUDED.language,
               market_id = EXCLUDED.market_id
         WHERE known.revision < EXCLUDED.revision
        RETURNING participant_id
        """,
        list(newest),
        [one.revision for one in newest.values()],
        [one.language for one in newest.values()],
        [one.history[-1].market_id for one in newest.values()],
    )
    return [row["participant_id"] for row in rows]


async def apply_markets(
    tx: Transaction, policies: Sequence[AttributionPolicyActivated]
) -> list[str]:
    """Keep each market's newest facts; returns the ids of those that changed."""
    newest = {one.market_id: one for one in sorted(policies, key=lambda one: one.version)}
    rows = await tx.fetch(
        """
        INSERT INTO markets AS known (market_id, version, language, zone)
        SELECT market_id, version, language, zone
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[])
               AS new (market_id, version, language, zone)
         ORDER BY market_id
            ON CONFLICT (market_id) DO UPDATE
           SET version = EXCLUDED.version, language = EXCLUDED.language, zone = EXCLUDED.zone
         WHERE known.version < EXCLUDED.version
        RETURNING market_id
        """,
        list(newest),
        [one.version for one in newest.values()],
        [one.language for one in newest.values()],
        [one.zone for one in newest.values()],
    )
    return [row["market_id"] for row in rows]


async def apply_keys(tx: Transaction, keys: Sequence[KeyIssued | KeyRevoked]) -> None:
    """Keep admin keys by their newest revision; a revoked one keeps who it was."""
    newest = {one.key_id: one for one in sorted(keys, key=lambda one: one.revision)}
    issued = [one if isinstance(one, KeyIssued) else None for one in newest.values()]
    await tx.execute(
        """
        INSERT INTO admin_keys AS known
               (key_id, revision, hash, actor_id, scopes, expires_at, revoked_at)
        SELECT key_id, revision, hash, actor_id, string_to_array(scopes, ' '),
               expires_at, revoked_at
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[],
                      $6::timestamptz[], $7::timestamptz[])
               AS new (key_id, revision, hash, actor_id, scopes, expires_at, revoked_at)
         ORDER BY key_id
            ON CONFLICT (key_id) DO UPDATE
           SET revision = EXCLUDED.revision,
               hash = EXCLUDED.hash,
               actor_id = EXCLUDED.actor_id,
               scopes = EXCLUDED.scopes,
               expires_at = EXCLUDED.expires_at,
               revoked_at = EXCLUDED.revoked_at
         WHERE known.revision < EXCLUDED.revision
        """,
        list(newest),
        [one.revision for one in newest.values()],
        [one.hash if one else None for one in issued],
        [one.actor_id if one else None for one in issued],
        [" ".join(one.scopes) if one else "" for one in issued],
        [one.expires_at if one else None for one in issued],
        [one.revoked_at if isinstance(one, KeyRevoked) else None for one in newest.values()],
    )


async def admin_key(tx: Transaction, key_hash: str) -> AdminKey | None:
    """The admin key with this keyed hash, unless it is revoked or unknown."""
    row = await tx.fetchrow(
        """
        SELECT actor_id, scopes, expires_at
          FROM admin_keys
         WHERE hash = $1
           AND revoked_at IS NULL
           AND actor_id IS NOT NULL
        """,
        key_hash,
    )
    return AdminKey(row["actor_id"], frozenset(row["scopes"]), row["expires_at"]) if row else None


async def apply_contacts(
    tx: Transaction, contacts: Sequence[ContactSealed | ContactForgotten]
) -> list[str]:
    """Keep each subject's newest contact; returns the subjects that changed."""
    newest = {one.subject: one for one in sorted(contacts, key=lambda one: one.revision)}
    sealed = [one if isinstance(one, ContactSealed) else None for one in newest.values()]
    rows = await tx.fetch(
        """
        INSERT INTO contacts AS known (subject, revision, key_id, ciphertext, language)
        SELECT subject, revision, key_id, ciphertext, language
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[])
               AS new (subject, revision, key_id, ciphertext, language)
         ORDER BY subject
            ON CONFLICT (subject) DO UPDATE
           SET revision = EXCLUDED.revision,
               key_id = EXCLUDED.key_id,
               ciphertext = EXCLUDED.ciphertext,
               language = EXCLUDED.language
         WHERE known.revision < EXCLUDED.revision
        RETURNING subject
        """,
        list(newest),
        [one.revision for one in newest.values()],
        [one.sealed.key_id if one else None for one in sealed],
        [one.sealed.ciphertext if one else None for one in sealed],
        [one.language if one else None for one in sealed],
    )
    return [row["subject"] for row in rows]


async def apply_identities(tx: Transaction, events: Sequence[Event[IdentityLinked]]) -> list[str]:
    """Keep the newest word on each (customer, mailbox); returns the customers that changed."""
    newest = {
        (event.data.customer_id, event.data.email_hash): event
        for event in sorted(events, key=lambda event: (event.now, event.id))
    }
    rows = await tx.fetch(
        """
        INSERT INTO identities AS known (customer_id, email_hash, linked, changed_at, event_id)
        SELECT customer_id, email_hash, linked, changed_at, event_id
          FROM unnest($1::text[], $2::text[], $3::boolean[], $4::timestamptz[], $5::text[])
               AS new (customer_id, email_hash, linked, changed_at, event_id)
         ORDER BY customer_id, email_hash
            ON CONFLICT (customer_id, email_hash) DO UPDATE
           SET linked = EXCLUDED.linked,
               changed_at = EXCLUDED.changed_at,
               event_id = EXCLUDED.event_id
         WHERE (known.changed_at, known.event_id) < (EXCLUDED.changed_at, EXCLUDED.event_id)
        RETURNING customer_id
        """,
        [customer_id for customer_id, _ in newest],
        [email_hash for _, email_hash in newest],
        [not isinstance(event.data, IdentityUnlinked) for event in newest.values()],
        [event.now for event in newest.values()],
        [event.id for event in newest.values()],
    )
    return sorted({row["customer_id"] for row in rows})


async def customers_of(tx: Transaction, email_hashes: Sequence[str]) -> list[str]:
    """The customers whose mailboxes these are."""
    rows = await tx.fetch(
        """
        SELECT DISTINCT customer_id
          FROM identities
         WHERE email_hash = ANY($1::text[])
           AND linked
         ORDER BY customer_id
        """,
        email_hashes,
    )
    return [row["customer_id"] for row in rows]


async def customers_without_mailbox(tx: Transaction, email_hashes: Sequence[str]) -> list[str]:
    """The customers of these mailboxes who have no other with a contact that can be read."""
    rows = await tx.fetch(
        """
        SELECT DISTINCT i.customer_id
          FROM identities AS i
         WHERE i.email_hash = ANY($1::text[])
           AND i.linked
           AND NOT EXISTS (
               SELECT
                 FROM identities AS other
                 JOIN contacts ON contacts.subject = other.email_hash
                WHERE other.customer_id = i.customer_id
                  AND other.linked
                  AND contacts.key_id IS NOT NULL
               )
         ORDER BY i.customer_id
        """,
        email_hashes,
    )
    return [row["customer_id"] for row in rows]


async def zones(tx: Transaction, market_ids: Sequence[str]) -> dict[str, str]:
    """The IANA zones of those markets that are known."""
    rows = await tx.fetch(
        "SELECT market_id, zone FROM markets WHERE market_id = ANY($1::text[])", market_ids
    )
    return {row["market_id"]: row["zone"] for row in rows}
