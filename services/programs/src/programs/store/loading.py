"""What the control plane has published, loaded for a decision."""

from collections.abc import Sequence
from dataclasses import dataclass

from service_kit.transaction import Transaction
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    KeyIssued,
    LinkIssued,
    ParticipantEnrolled,
    ProgramEnded,
    ProgramPaused,
    ProgramResumed,
    ProgramStatusChanged,
    ProgramVersionActivated,
)

from ..domain import KeyState, ParticipantState, ProgramState, State

_STATUSES = {model.TYPE: model for model in (ProgramPaused, ProgramResumed, ProgramEnded)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose state a decision needs. Markets and programs are few and always loaded whole."""

    participants: Sequence[str] = ()
    codes: Sequence[str] = ()
    keys: Sequence[str] = ()
    sources: Sequence[str] = ()


async def take_turn(tx: Transaction) -> None:
    """Decisions of the control plane take turns, until the transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('programs/decisions', 0))")


async def load(tx: Transaction, wanted: Wanted) -> State:
    """The state that a decision looks at, one statement a table."""
    return State(
        markets=await markets(tx),
        programs=await programs(tx),
        participants=await _participants(tx, wanted.participants),
        links=await _links(tx, wanted.codes),
        keys=await _keys(tx, wanted.keys, wanted.sources),
        pairs=frozenset(
            (row["program_id"], row["market_id"])
            for row in await tx.fetch("SELECT program_id, market_id FROM program_markets")
        ),
    )


async def markets(tx: Transaction) -> dict[str, tuple[AttributionPolicyActivated, ...]]:
    """Every market with its policy versions, oldest first."""
    found: dict[str, list[AttributionPolicyActivated]] = {}
    rows = await tx.fetch("SELECT market_id, state FROM policies ORDER BY market_id, version")
    for row in rows:
        event = AttributionPolicyActivated.model_validate_json(row["state"])
        found.setdefault(row["market_id"], []).append(event)
    return {market_id: tuple(versions) for market_id, versions in found.items()}


async def programs(tx: Transaction) -> dict[str, ProgramState]:
    """Every program with its versions and pauses, oldest first."""
    rows = await tx.fetch(
        """
        SELECT program_id, event_type, state
          FROM (SELECT program_id, 0 AS part, version AS place, '' AS event_type, state
                  FROM program_versions
                 UNION ALL
                SELECT program_id, 1, revision, event_type, state
                  FROM program_statuses) AS told
         ORDER BY program_id, part, place
        """
    )
    versions: dict[str, list[ProgramVersionActivated]] = {}
    statuses: dict[str, list[ProgramStatusChanged]] = {}
    for row in rows:
        if row["event_type"]:
            status = _STATUSES[row["event_type"]].model_validate_json(row["state"])
            statuses.setdefault(row["program_id"], []).append(status)
        else:
            version = ProgramVersionActivated.model_validate_json(row["state"])
            versions.setdefault(row["program_id"], []).append(version)
    return {
        program_id: ProgramState(tuple(told), tuple(statuses.get(program_id, ())))
        for program_id, told in versions.items()
    }


async def _participants(tx: Transaction, ids: Sequence[str]) -> dict[str, ParticipantState]:
    if not ids:
        return {}
    rows = await tx.fetch(
        """
        SELECT participant_id, contact_digest, state
          FROM participants
         WHERE participant_id = ANY($1::text[])
        """,
        ids,
    )
    return {
        row["participant_id"]: ParticipantState(
            ParticipantEnrolled.model_validate_json(row["state"]), row["contact_digest"]
        )
        for row in rows
    }


async def _links(tx: Transaction, codes: Sequence[str]) -> dict[str, LinkIssued]:
    if not codes:
        return {}
    rows = await tx.fetch("SELECT code, state FROM links WHERE code = ANY($1::text[])", codes)
    return {row["code"]: LinkIssued.model_validate_json(row["state"]) for row in rows}


async def _keys(tx: Transaction, ids: Sequence[str], sources: Sequence[str]) -> dict[str, KeyState]:
    if not ids:
        return {}
    rows = await tx.fetch(
        """
        SELECT key_id, revision, revoked_at, state
          FROM keys
         WHERE key_id = ANY($1::text[])
            OR source = ANY($2::text[])
        """,
        ids,
        sources,
    )
    return {
        row["key_id"]: KeyState(
            KeyIssued.model_validate_json(row["state"]), row["revision"], row["revoked_at"]
        )
        for row in rows
    }


async def campaign_revisions(tx: Transaction, campaign_ids: Sequence[str]) -> dict[str, int]:
    """The revision of each campaign that was applied last."""
    rows = await tx.fetch(
        "SELECT campaign_id, revision FROM campaigns WHERE campaign_id = ANY($1::text[])",
        campaign_ids,
    )
    return {row["campaign_id"]: row["revision"] for row in rows}
