"""Writes decided changes, one statement a table; a row holds its last event's whole state."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from service_kit.transaction import Transaction
from shared_schemas.event import EventData
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    KeyIssued,
    KeyRevoked,
    LinkIssued,
    ParticipantEnrolled,
    ProgramStatusChanged,
    ProgramVersionActivated,
)

from ..domain import Change
from .reading import AuditRow

_E = TypeVar("_E", bound=EventData)


async def save(tx: Transaction, changes: Sequence[Change]) -> None:
    """Write the rows that the changes make. Tables that they do not touch cost nothing."""
    events = [change.event for change in changes]
    await _save_policies(tx, _of(AttributionPolicyActivated, events))
    await _save_versions(tx, _of(ProgramVersionActivated, events))
    await _save_statuses(tx, _of(ProgramStatusChanged, events))
    await _save_participants(
        tx, [change for change in changes if isinstance(change.event, ParticipantEnrolled)]
    )
    await _save_links(tx, _of(LinkIssued, events))
    await _save_keys(tx, _of(KeyIssued, events))
    await _revoke_keys(tx, _of(KeyRevoked, events))


async def save_audit(tx: Transaction, rows: Sequence[AuditRow]) -> None:
    """Remember who made which changes; the same change is remembered once."""
    await tx.execute(
        """
        INSERT INTO audit (change_id, changed_at, actor, kind, id, reason, differences, traceparent)
        SELECT change_id, changed_at, actor, kind, id, reason, differences::jsonb, traceparent
          FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[],
                      $6::text[], $7::text[], $8::text[])
            AS new (change_id, changed_at, actor, kind, id, reason, differences, traceparent)
            ON CONFLICT DO NOTHING
        """,
        [row.change_id for row in rows],
        [row.changed_at for row in rows],
        [row.actor for row in rows],
        [row.kind for row in rows],
        [row.id for row in rows],
        [row.reason for row in rows],
        [row.differences for row in rows],
        [row.traceparent for row in rows],
    )


async def save_campaigns(tx: Transaction, revisions: Iterable[tuple[str, int]]) -> None:
    """Remember which revision of each campaign was applied."""
    rows = list(revisions)
    await tx.execute(
        """
        INSERT INTO campaigns AS old (campaign_id, revision)
        SELECT campaign_id, revision
          FROM unnest($1::text[], $2::integer[]) AS new (campaign_id, revision)
            ON CONFLICT (campaign_id) DO UPDATE
           SET revision = EXCLUDED.revision
         WHERE EXCLUDED.revision > old.revision
        """,
        [campaign_id for campaign_id, _ in rows],
        [revision for _, revision in rows],
    )


async def _save_policies(tx: Transaction, events: Sequence[AttributionPolicyActivated]) -> None:
    if not events:
        return
    await tx.execute(
        """
        INSERT INTO policies (market_id, version, effective_at, state)
        SELECT market_id, version, effective_at, state::jsonb
          FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::text[])
            AS new (market_id, version, effective_at, state)
        """,
        [event.market_id for event in events],
        [event.version for event in events],
        [event.effective_at for event in events],
        _bodies(events),
    )


async def _save_versions(tx: Transaction, events: Sequence[ProgramVersionActivated]) -> None:
    if not events:
        return
    await tx.execute(
        """
        INSERT INTO program_versions (program_id, version, effective_at, state)
        SELECT program_id, version, effective_at, state::jsonb
          FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::text[])
            AS new (program_id, version, effective_at, state)
        """,
        [event.program_id for event in events],
        [event.version for event in events],
        [event.effective_at for event in events],
        _bodies(events),
    )


async def _save_statuses(tx: Transaction, events: Sequence[ProgramStatusChanged]) -> None:
    if not events:
        return
    await tx.execute(
        """
        INSERT INTO program_statuses (program_id, revision, event_type, state)
        SELECT program_id, revision, event_type, state::jsonb
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[])
            AS new (program_id, revision, event_type, state)
        """,
        [event.program_id for event in events],
        [event.revision for event in events],
        [event.TYPE for event in events],
        _bodies(events),
    )


async def _save_participants(tx: Transaction, changes: Sequence[Change]) -> None:
    if not changes:
        return
    newest = {change.id: change for change in changes}
    events = _of(ParticipantEnrolled, [change.event for change in newest.values()])
    await tx.execute(
        """
        INSERT INTO participants (participant_id, revision, contact_digest, state)
        SELECT participant_id, revision, contact_digest, state::jsonb
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[])
            AS new (participant_id, revision, contact_digest, state)
         ORDER BY participant_id
            ON CONFLICT (participant_id) DO UPDATE
           SET revision = EXCLUDED.revision,
               contact_digest = EXCLUDED.contact_digest,
               state = EXCLUDED.state
        """,
        list(newest),
        [event.revision for event in events],
        [change.contact_digest for change in newest.values()],
        _bodies(events),
    )


async def _save_links(tx: Transaction, events: Sequence[LinkIssued]) -> None:
    if not events:
        return
    links = list({event.code: event for event in events}.values())
    await tx.execute(
        """
        INSERT INTO links (code, revision, program_id, participant_id, state)
        SELECT code, revision, program_id, participant_id, state::jsonb
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[])
            AS new (code, revision, program_id, participant_id, state)
         ORDER BY code
            ON CONFLICT (code) DO UPDATE
           SET revision = EXCLUDED.revision,
               participant_id = EXCLUDED.participant_id,
               state = EXCLUDED.state
        """,
        [link.code for link in links],
        [link.revision for link in links],
        [link.program_id for link in links],
        [link.history[-1].participant_id for link in links],
        _bodies(links),
    )
    pairs = sorted({(link.program_id, link.market_id) for link in links})
    await tx.execute(
        """
        INSERT INTO program_markets (program_id, market_id)
        SELECT program_id, market_id
          FROM unnest($1::text[], $2::text[]) AS new (program_id, market_id)
            ON CONFLICT DO NOTHING
        """,
        [program_id for program_id, _ in pairs],
        [market_id for _, market_id in pairs],
    )


async def _save_keys(tx: Transaction, events: Sequence[KeyIssued]) -> None:
    if not events:
        return
    keys = list({event.key_id: event for event in events}.values())
    await tx.execute(
        """
        INSERT INTO keys (key_id, revision, hash, source, state)
        SELECT key_id, revision, hash, source, state::jsonb
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[])
            AS new (key_id, revision, hash, source, state)
         ORDER BY key_id
            ON CONFLICT (key_id) DO UPDATE
           SET revision = EXCLUDED.revision,
               hash = EXCLUDED.hash,
               source = EXCLUDED.source,
               state = EXCLUDED.state
        """,
        [key.key_id for key in keys],
        [key.revision for key in keys],
        [key.hash for key in keys],
        [key.source for key in keys],
        _bodies(keys),
    )


async def _revoke_keys(tx: Transaction, events: Sequence[KeyRevoked]) -> None:
    if not events:
        return
    await tx.execute(
        """
        UPDATE keys
           SET revision = told.revision, revoked_at = told.revoked_at
          FROM unnest($1::text[], $2::integer[], $3::timestamptz[])
            AS told (key_id, revision, revoked_at)
         WHERE keys.key_id = told.key_id
        """,
        [event.key_id for event in events],
        [event.revision for event in events],
        [event.revoked_at for event in events],
    )


def _of(model: type[_E], events: Iterable[EventData]) -> list[_E]:
    return [event for event in events if isinstance(event, model)]


def _bodies(events: Iterable[EventData]) -> list[str]:
    return [event.to_json().decode() for event in events]
