"""Read tables: the newest revision of participants, links and admin keys."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from service_kit.transaction import Transaction
from shared_schemas.event import EventData
from shared_schemas.events.programs import KeyIssued, KeyRevoked, LinkIssued, ParticipantEnrolled
from shared_schemas.words import Group

from ..domain import Participant

_E = TypeVar("_E", bound=EventData)


@dataclass(frozen=True, slots=True)
class Key:
    """An admin key that is not revoked."""

    actor: str
    scopes: frozenset[str]
    expires_at: datetime | None


async def link_states(tx: Transaction, codes: Sequence[str]) -> dict[str, str]:
    """What became of codes, as far as it was heard."""
    rows = await tx.fetch("SELECT code, state FROM links WHERE code = ANY($1::text[])", codes)
    return {row["code"]: row["state"] for row in rows}


async def participant(tx: Transaction, participant_id: str) -> Participant | None:
    """What was heard of a participant."""
    row = await tx.fetchrow(
        'SELECT "group", active FROM participants WHERE participant_id = $1', participant_id
    )
    return None if row is None else Participant(Group(row["group"]), row["active"])


async def key_by_hash(tx: Transaction, key_hash: str) -> Key | None:
    """The admin key with this keyed hash, unless it is revoked."""
    row = await tx.fetchrow(
        """
        SELECT actor_id, scopes, expires_at
          FROM keys
         WHERE hash = $1
           AND NOT revoked
         LIMIT 1
        """,
        key_hash,
    )
    if row is None or row["actor_id"] is None:
        return None
    return Key(row["actor_id"], frozenset(json.loads(row["scopes"])), row["expires_at"])


async def apply_participants(tx: Transaction, events: Sequence[ParticipantEnrolled]) -> None:
    """Keep the highest revision of each participant."""
    newest = _newest((e.participant_id, e.revision, e) for e in events)
    await tx.execute(
        """
        INSERT INTO participants AS old (participant_id, revision, "group", active)
        SELECT participant_id, revision, grp, active
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::boolean[])
            AS new (participant_id, revision, grp, active)
         ORDER BY participant_id
            ON CONFLICT (participant_id) DO UPDATE
           SET revision = EXCLUDED.revision, "group" = EXCLUDED."group", active = EXCLUDED.active
         WHERE EXCLUDED.revision > old.revision
        """,
        [e.participant_id for e in newest],
        [e.revision for e in newest],
        [e.history[-1].group.value for e in newest],
        [e.history[-1].active for e in newest],
    )


async def apply_links(tx: Transaction, events: Sequence[LinkIssued]) -> None:
    """Keep the highest revision of each link."""
    newest = _newest((e.code, e.revision, e) for e in events)
    await tx.execute(
        """
        INSERT INTO links AS old (code, revision, campaign_id, state)
        SELECT code, revision, campaign_id, state
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[])
            AS new (code, revision, campaign_id, state)
         ORDER BY code
            ON CONFLICT (code) DO UPDATE
           SET revision = EXCLUDED.revision,
               campaign_id = EXCLUDED.campaign_id,
               state = EXCLUDED.state
         WHERE EXCLUDED.revision > old.revision
        """,
        [e.code for e in newest],
        [e.revision for e in newest],
        [e.campaign_id for e in newest],
        [e.state.value for e in newest],
    )


async def apply_keys(tx: Transaction, events: Sequence[KeyIssued | KeyRevoked]) -> None:
    """Keep the highest revision of each key; a revoked one loses its hash."""
    newest = _newest((e.key_id, e.revision, e) for e in events)
    issued = [e if isinstance(e, KeyIssued) else None for e in newest]
    await tx.execute(
        """
        INSERT INTO keys AS old (key_id, revision, hash, actor_id, scopes, expires_at, revoked)
        SELECT key_id, revision, hash, actor_id, scopes::jsonb, expires_at, revoked
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[],
                      $6::timestamptz[], $7::boolean[])
            AS new (key_id, revision, hash, actor_id, scopes, expires_at, revoked)
         ORDER BY key_id
            ON CONFLICT (key_id) DO UPDATE
           SET revision = EXCLUDED.revision,
               hash = EXCLUDED.hash,
               actor_id = EXCLUDED.actor_id,
               scopes = EXCLUDED.scopes,
               expires_at = EXCLUDED.expires_at,
               revoked = EXCLUDED.revoked
         WHERE EXCLUDED.revision > old.revision
        """,
        [e.key_id for e in newest],
        [e.revision for e in newest],
        [e.hash if e else None for e in issued],
        [e.actor_id if e else None for e in issued],
        [json.dumps(e.scopes if e else ()) for e in issued],
        [e.expires_at if e else None for e in issued],
        [e is None for e in issued],
    )


def _newest(told: Iterable[tuple[str, int, _E]]) -> list[_E]:
    """The event of the highest revision of each id: a statement may touch a row only once."""
    newest: dict[str, tuple[int, _E]] = {}
    for id_, revision, event in told:
        if id_ not in newest or revision > newest[id_][0]:
            newest[id_] = (revision, event)
    return [event for _, event in newest.values()]
