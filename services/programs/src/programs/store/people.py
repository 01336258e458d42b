"""Day keys and contacts: the only tables with keys of people, encrypted under the master key."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from service_kit.transaction import Transaction
from shared_schemas.sealed import Sealed

from ..domain.contacts import Contact
from ..domain.keys import day_key_id
from .vault import Vault


async def add_day_keys(
    tx: Transaction, vault: Vault, pairs: Mapping[date, tuple[str, str]]
) -> dict[date, str]:
    """Keep (private, public) pairs of days that have none yet; returns the public ones kept."""
    rows = await tx.fetch(
        """
        INSERT INTO day_keys (day, public_key, private_key)
        SELECT day, public_key, private_key
          FROM unnest($1::date[], $2::text[], $3::bytea[]) AS new (day, public_key, private_key)
         ORDER BY day
            ON CONFLICT (day) DO NOTHING
        RETURNING day, public_key
        """,
        list(pairs),
        [public for _, public in pairs.values()],
        [vault.lock(day_key_id(day), private) for day, (private, _) in pairs.items()],
    )
    return {row["day"]: row["public_key"] for row in rows}


async def known_days(tx: Transaction, days: Sequence[date]) -> set[date]:
    """Those of the days that have, or had, a key."""
    rows = await tx.fetch("SELECT day FROM day_keys WHERE day = ANY($1::date[])", days)
    return {row["day"] for row in rows}


async def destroy_day_keys(tx: Transaction, through: date, now: datetime) -> list[date]:
    """Destroy the private parts of a day and of all before it; returns the days."""
    rows = await tx.fetch(
        """
        UPDATE day_keys
           SET private_key = NULL, destroyed_at = $2
         WHERE day <= $1
           AND private_key IS NOT NULL
        RETURNING day
        """,
        through,
        now,
    )
    return sorted(row["day"] for row in rows)


async def private_day_keys(tx: Transaction, vault: Vault, key_ids: Sequence[str]) -> dict[str, str]:
    """The private parts that still exist, by key id."""
    rows = await tx.fetch(
        """
        SELECT 'day-' || to_char(day, 'YYYY-MM-DD') AS key_id, private_key
          FROM day_keys
         WHERE private_key IS NOT NULL
           AND 'day-' || to_char(day, 'YYYY-MM-DD') = ANY($1::text[])
        """,
        key_ids,
    )
    return {row["key_id"]: vault.unlock(row["key_id"], row["private_key"]) for row in rows}


async def lock_subjects(tx: Transaction, subjects: Sequence[str]) -> None:
    """Contacts of one subject take turns, those of a new subject too, until the end."""
    await tx.execute(
        """
        SELECT pg_advisory_xact_lock(hashtextextended('programs/contacts/' || subject, 0))
          FROM (SELECT subject FROM unnest($1::text[]) AS s (subject) ORDER BY subject) AS ordered
        """,
        sorted(subjects),
    )


async def contacts(
    tx: Transaction, vault: Vault, subjects: Sequence[str]
) -> tuple[dict[str, Contact], dict[str, str]]:
    """What is kept of each subject, and the subjects' keys."""
    rows = await tx.fetch(
        """
        SELECT subject, revision, generation, key_id, key, ciphertext,
               event_id, submitted_at, language, forgotten_at
          FROM contacts
         WHERE subject = ANY($1::text[])
        """,
        subjects,
    )
    found = {
        row["subject"]: Contact(
            subject=row["subject"],
            revision=row["revision"],
            generation=row["generation"],
            event_id=row["event_id"],
            submitted_at=row["submitted_at"],
            language=row["language"],
            sealed=None
            if row["ciphertext"] is None
            else Sealed(key_id=row["key_id"], ciphertext=row["ciphertext"]),
            forgotten_at=row["forgotten_at"],
        )
        for row in rows
    }
    keys = {
        row["subject"]: vault.unlock(row["key_id"], row["key"])
        for row in rows
        if row["key"] is not None
    }
    return found, keys


async def save_contacts(
    tx: Transaction, vault: Vault, changed: Sequence[Contact], keys: Mapping[str, str]
) -> None:
    """Write contacts with their keys; a forgotten one loses both."""
    await tx.execute(
        """
        INSERT INTO contacts (subject, revision, generation, key_id, key, ciphertext,
                              event_id, submitted_at, language, forgotten_at)
        SELECT subject, revision, generation, key_id, key, ciphertext,
               event_id, submitted_at, language, forgotten_at
          FROM unnest($1::text[], $2::integer[], $3::integer[], $4::text[], $5::bytea[],
                      $6::text[], $7::text[], $8::timestamptz[], $9::text[], $10::timestamptz[])
            AS new (subject, revision, generation, key_id, key, ciphertext,
                    event_id, submitted_at, language, forgotten_at)
         ORDER BY subject
            ON CONFLICT (subject) DO UPDATE
           SET revision = EXCLUDED.revision,
               generation = EXCLUDED.generation,
               key_id = EXCLUDED.key_id,
               key = EXCLUDED.key,
               ciphertext = EXCLUDED.ciphertext,
               event_id = EXCLUDED.event_id,
               submitted_at = EXCLUDED.submitted_at,
               language = EXCLUDED.language,
               forgotten_at = EXCLUDED.forgotten_at
        """,
        [contact.subject for contact in changed],
        [contact.revision for contact in changed],
        [contact.generation for contact in changed],
        [contact.key_id for contact in changed],
        [
            vault.lock(contact.key_id, keys[contact.subject]) if contact.sealed else None
            for contact in changed
        ],
        [contact.sealed.ciphertext if contact.sealed else None for contact in changed],
        [contact.event_id for contact in changed],
        [contact.submitted_at for contact in changed],
        [contact.language for contact in changed],
        [contact.forgotten_at for contact in changed],
    )


async def keys_by_id(tx: Transaction, vault: Vault, key_ids: Sequence[str]) -> dict[str, str]:
    """The subjects' keys that still exist, by key id."""
    rows = await tx.fetch(
        """
        SELECT key_id, key
          FROM contacts
         WHERE key_id = ANY($1::text[])
           AND key IS NOT NULL
        """,
        key_ids,
    )
    return {row["key_id"]: vault.unlock(row["key_id"], row["key"]) for row in rows}
