"""The read tables of programs, markets and participants."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from pydantic import BaseModel
from service_kit.transaction import Transaction
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    Cap,
    Eligibility,
    ParticipantEnrolled,
    ProgramVersionActivated,
    RewardRule,
)

from ..domain.facts import Facts, Period, Version
from ..domain.values import Share

_APPLY_VERSIONS = """
INSERT INTO program_versions (program_id, version, body)
SELECT program_id, version, body
  FROM unnest($1::text[], $2::integer[], $3::jsonb[]) AS new (program_id, version, body)
 ORDER BY program_id, version
    ON CONFLICT DO NOTHING
RETURNING program_id, version
"""
_APPLY_MARKETS = """
INSERT INTO market_versions (market_id, version, effective_at, zone)
SELECT market_id, version, effective_at, zone
  FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::text[])
    AS new (market_id, version, effective_at, zone)
 ORDER BY market_id, version
    ON CONFLICT DO NOTHING
RETURNING market_id
"""
_APPLY_PARTICIPANTS = """
INSERT INTO participants (participant_id, revision, history)
SELECT participant_id, revision, history
  FROM unnest($1::text[], $2::integer[], $3::jsonb[]) AS new (participant_id, revision, history)
 ORDER BY participant_id
    ON CONFLICT (participant_id) DO UPDATE
   SET revision = excluded.revision, history = excluded.history
 WHERE participants.revision < excluded.revision
RETURNING participant_id
"""

_LOAD_VERSIONS = """
SELECT program_id, version, body::text AS body
  FROM program_versions
  JOIN unnest($1::text[], $2::integer[]) AS named (program_id, version)
 USING (program_id, version)
"""
_LOAD_MARKETS = """
SELECT market_id, effective_at, zone
  FROM market_versions
 WHERE market_id = ANY($1::text[])
 ORDER BY market_id, effective_at, version
"""
_LOAD_PARTICIPANTS = """
SELECT participant_id, history::text AS history
  FROM participants
 WHERE participant_id = ANY($1::text[])
"""


class _Body(BaseModel):
    hold_seconds: int
    held_expires_seconds: int
    eligibility: Eligibility
    rewards: tuple[RewardRule, ...]
    caps: tuple[Cap, ...]


_BODY_FIELDS = set(_Body.model_fields)


async def apply_versions(
    tx: Transaction, heard: Iterable[ProgramVersionActivated]
) -> list[tuple[str, int]]:
    """Keep versions of programs, which never change; returns those that are new."""
    bodies = {
        (v.program_id, v.version): v.model_dump_json(include=_BODY_FIELDS, exclude_none=True)
        for v in heard
    }
    rows = await tx.fetch(
        _APPLY_VERSIONS,
        [program_id for program_id, _ in bodies],
        [version for _, version in bodies],
        list(bodies.values()),
    )
    return [(row["program_id"], row["version"]) for row in rows]


async def apply_markets(tx: Transaction, heard: Iterable[AttributionPolicyActivated]) -> list[str]:
    """Keep markets' dated zones; returns the markets that have a new one."""
    markets = {(m.market_id, m.version): m for m in heard}
    rows = await tx.fetch(
        _APPLY_MARKETS,
        [m.market_id for m in markets.values()],
        [m.version for m in markets.values()],
        [m.effective_at for m in markets.values()],
        [m.zone for m in markets.values()],
    )
    return [row["market_id"] for row in rows]


async def apply_participants(tx: Transaction, heard: Iterable[ParticipantEnrolled]) -> list[str]:
    """Keep each participant's highest revision; returns whose is higher than before."""
    newest: dict[str, ParticipantEnrolled] = {}
    for one in heard:
        known = newest.get(one.participant_id)
        if known is None or known.revision < one.revision:
            newest[one.participant_id] = one
    rows = await tx.fetch(
        _APPLY_PARTICIPANTS,
        list(newest),
        [one.revision for one in newest.values()],
        [_history_json(one) for one in newest.values()],
    )
    return [row["participant_id"] for row in rows]


async def load_facts(tx: Transaction, shares: Iterable[Share]) -> Facts:
    """What is known of the programs, participants and markets that shares name."""
    shares = list(shares)
    if not shares:
        return Facts()
    named = sorted({(s.program_id, s.program_version) for s in shares})
    markets: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for row in await tx.fetch(_LOAD_MARKETS, sorted({s.market_id for s in shares})):
        markets[row["market_id"]].append((row["effective_at"], row["zone"]))
    return Facts(
        versions=await _load_versions(tx, named),
        participants={
            row["participant_id"]: _history(row["history"])
            for row in await tx.fetch(
                _LOAD_PARTICIPANTS, sorted({s.participant_id for s in shares})
            )
        },
        zones={market_id: tuple(history) for market_id, history in markets.items()},
    )


async def _load_versions(
    tx: Transaction, named: Sequence[tuple[str, int]]
) -> Mapping[tuple[str, int], Version]:
    rows = await tx.fetch(_LOAD_VERSIONS, [n[0] for n in named], [n[1] for n in named])
    return {
        (row["program_id"], row["version"]): _version(
            row["program_id"], row["version"], row["body"]
        )
        for row in rows
    }


@lru_cache(maxsize=256)
def _version(program_id: str, version: int, text: str) -> Version:
    body = _Body.model_validate_json(text)
    return Version(
        program_id=program_id,
        version=version,
        hold_seconds=body.hold_seconds,
        held_expires_seconds=body.held_expires_seconds,
        eligibility=body.eligibility,
        rules=body.rewards,
        caps=body.caps,
    )


def _history_json(participant: ParticipantEnrolled) -> str:
    return json.dumps(
        [
            [period.from_at.isoformat(), period.market_id, period.tier, period.active]
            for period in sorted(participant.history, key=lambda period: period.from_at)
        ]
    )


@lru_cache(maxsize=4096)
def _history(text: str) -> tuple[Period, ...]:
    return tuple(
        Period(datetime.fromisoformat(from_at), market_id, tier, active)
        for from_at, market_id, tier, active in json.loads(text)
    )
