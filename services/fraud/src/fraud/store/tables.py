"""Read tables of what programs decides: program versions, participants, keys."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from asyncpg import Record
from msgspec import Struct
from service_kit.transaction import Transaction
from shared_schemas.events.programs import FraudPolicy, KeyIssued, KeyRevoked

from ..domain.credit import Participant, Policy, PolicyId

_SEPARATOR = "\x1f"  # no scope holds it


class Key(Struct, frozen=True, kw_only=True):
    """An API key that is known by its hash."""

    kind: str
    scopes: frozenset[str]
    actor_id: str | None
    valid_from: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Whether it is accepted at this time."""
        began = self.valid_from is not None and self.valid_from <= now
        expired = self.expires_at is not None and self.expires_at <= now
        return began and not expired and self.revoked_at is None


async def save_policies(tx: Transaction, policies: Sequence[Policy]) -> list[PolicyId]:
    """Add program versions, which never change; returns those that are new."""
    rows = await tx.fetch(
        """
        INSERT INTO program_versions
               (program_id, version, hold_seconds, velocity_limit, velocity_window_seconds,
                self_referral, duplicate_customer, hold_score, reject_score)
        SELECT *
          FROM unnest($1::text[], $2::integer[], $3::integer[], $4::integer[], $5::integer[],
                      $6::boolean[], $7::boolean[], $8::integer[], $9::integer[])
         ORDER BY 1, 2
            ON CONFLICT DO NOTHING
        RETURNING program_id, version
        """,
        [policy.program_id for policy in policies],
        [policy.version for policy in policies],
        [policy.hold_seconds for policy in policies],
        [policy.fraud.velocity_limit for policy in policies],
        [policy.fraud.velocity_window_seconds for policy in policies],
        [policy.fraud.self_referral for policy in policies],
        [policy.fraud.duplicate_customer for policy in policies],
        [policy.fraud.hold_score for policy in policies],
        [policy.fraud.reject_score for policy in policies],
    )
    return [(row["program_id"], row["version"]) for row in rows]


async def policies(tx: Transaction, ids: Iterable[PolicyId]) -> dict[PolicyId, Policy]:
    """Program versions by program and version."""
    wanted = sorted(set(ids))
    rows = await tx.fetch(
        """
        SELECT v.program_id, v.version, v.hold_seconds, v.velocity_limit,
               v.velocity_window_seconds, v.self_referral, v.duplicate_customer,
               v.hold_score, v.reject_score
          FROM program_versions AS v
          JOIN unnest($1::text[], $2::integer[]) AS wanted (program_id, version)
            ON v.program_id = wanted.program_id AND v.version = wanted.version
        """,
        [program_id for program_id, _ in wanted],
        [version for _, version in wanted],
    )
    return {policy.id: policy for policy in map(_policy, rows)}


async def save_participants(tx: Transaction, heard: Sequence[Participant]) -> set[str]:
    """Apply higher revisions; returns whose row changed."""
    rows = sorted(heard, key=lambda participant: participant.participant_id)
    saved = await tx.fetch(
        """
        INSERT INTO participants AS known (participant_id, revision, customer_id, email_hash)
        SELECT participant_id, revision, customer_id, email_hash
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[])
            AS new (participant_id, revision, customer_id, email_hash)
         ORDER BY participant_id COLLATE "C"
            ON CONFLICT (participant_id) DO UPDATE
           SET revision = excluded.revision,
               customer_id = excluded.customer_id,
               email_hash = excluded.email_hash
         WHERE excluded.revision > known.revision
        RETURNING participant_id
        """,
        [participant.participant_id for participant in rows],
        [participant.revision for participant in rows],
        [participant.customer_id for participant in rows],
        [participant.email_hash for participant in rows],
    )
    return {row["participant_id"] for row in saved}


async def participants(tx: Transaction, ids: Iterable[str]) -> dict[str, Participant]:
    """Participants by id."""
    rows = await tx.fetch(
        """
        SELECT participant_id, revision, customer_id, email_hash
          FROM participants
         WHERE participant_id = ANY($1::text[])
        """,
        sorted(set(ids)),
    )
    return {row["participant_id"]: _participant(row) for row in rows}


async def lock_participants(tx: Transaction, ids: Iterable[str]) -> dict[str, Participant]:
    """Participants by id, locked: whoever counts or changes what is theirs takes turns."""
    rows = await tx.fetch(
        """
        SELECT participant_id, revision, customer_id, email_hash
          FROM participants
         WHERE participant_id = ANY($1::text[])
         ORDER BY participant_id COLLATE "C"
           FOR NO KEY UPDATE
        """,
        sorted(set(ids)),
    )
    return {row["participant_id"]: _participant(row) for row in rows}


async def save_keys(tx: Transaction, heard: Sequence[KeyIssued | KeyRevoked]) -> None:
    """Apply higher revisions; a revocation keeps what is known of the key."""
    issued = [key if isinstance(key, KeyIssued) else None for key in heard]
    await tx.execute(
        """
        INSERT INTO keys AS known (key_id, revision, kind, hash, scopes, actor_id, valid_from,
                                   expires_at, revoked_at)
        SELECT key_id, revision, kind, hash, string_to_array(scopes, chr(31)), actor_id, valid_from,
               expires_at, revoked_at
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[],
                      $7::timestamptz[], $8::timestamptz[], $9::timestamptz[])
            AS new (key_id, revision, kind, hash, scopes, actor_id, valid_from, expires_at,
                    revoked_at)
         ORDER BY key_id COLLATE "C"
            ON CONFLICT (key_id) DO UPDATE
           SET revision = excluded.revision,
               kind = excluded.kind,
               hash = coalesce(excluded.hash, known.hash),
               scopes = excluded.scopes,
               actor_id = coalesce(excluded.actor_id, known.actor_id),
               valid_from = coalesce(excluded.valid_from, known.valid_from),
               expires_at = excluded.expires_at,
               revoked_at = excluded.revoked_at
         WHERE excluded.revision > known.revision
        """,
        [key.key_id for key in heard],
        [key.revision for key in heard],
        [key.kind.value for key in heard],
        [key.hash if key else None for key in issued],
        [_SEPARATOR.join(key.scopes) if key else "" for key in issued],
        [key.actor_id if key else None for key in issued],
        [key.valid_from if key else None for key in issued],
        [key.expires_at if key else None for key in issued],
        [key.revoked_at if isinstance(key, KeyRevoked) else None for key in heard],
    )


async def key_by_hash(tx: Transaction, key_hash: str) -> Key | None:
    """The key with this hash."""
    row = await tx.fetchrow(
        """
        SELECT kind, scopes, actor_id, valid_from, expires_at, revoked_at
          FROM keys
         WHERE hash = $1
         ORDER BY key_id
         LIMIT 1
        """,
        key_hash,
    )
    if row is None:
        return None
    return Key(
        kind=row["kind"],
        scopes=frozenset(row["scopes"]),
        actor_id=row["actor_id"],
        valid_from=row["valid_from"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )


def _policy(row: Record) -> Policy:
    return Policy(
        program_id=row["program_id"],
        version=row["version"],
        hold_seconds=row["hold_seconds"],
        fraud=FraudPolicy(
            velocity_limit=row["velocity_limit"],
            velocity_window_seconds=row["velocity_window_seconds"],
            self_referral=row["self_referral"],
            duplicate_customer=row["duplicate_customer"],
            hold_score=row["hold_score"],
            reject_score=row["reject_score"],
        ),
    )


def _participant(row: Record) -> Participant:
    return Participant(
        participant_id=row["participant_id"],
        revision=row["revision"],
        customer_id=row["customer_id"],
        email_hash=row["email_hash"],
    )
