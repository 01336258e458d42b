"""Table topics: each instance keeps what programs decides, and judges whom it changes.

They are read from their beginning at every start: only what is new is announced.
"""

from collections.abc import Awaitable, Callable, Sequence

from service_kit.events import Cause, Event, of_type
from service_kit.transaction import Transaction
from shared_schemas.event import EventData
from shared_schemas.events import programs as p

from ..domain.credit import Participant, Policy
from ..domain.identity import Node
from ..store import conversions, people, tables
from .judging import judge_again

TABLES: tuple[type[EventData], ...] = (
    p.ProgramVersionActivated,
    p.ParticipantEnrolled,
    p.ParticipantChanged,
    p.ParticipantDeactivated,
    p.KeyIssued,
    p.KeyRevoked,
)


def table_handler(
    review_seconds: int,
) -> Callable[[Transaction, Sequence[Event[EventData]]], Awaitable[None]]:
    """The table handler of a deployment whose reviewers have so long."""

    async def hear_table(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
        await _hear_versions(tx, of_type(events, p.ProgramVersionActivated))
        await _hear_keys(tx, of_type(events, p.KeyIssued, p.KeyRevoked))
        causes = await _hear_participants(tx, of_type(events, p.ParticipantEnrolled))
        await judge_again(tx, causes, review_seconds)

    return hear_table


async def _hear_versions(
    tx: Transaction, events: Sequence[Event[p.ProgramVersionActivated]]
) -> None:
    if not events:
        return
    for program_id, version in await tables.save_policies(tx, [_policy(e.data) for e in events]):
        tx.fact("program_version", f"{program_id}/{version}")


async def _hear_keys(tx: Transaction, events: Sequence[Event[p.KeyIssued | p.KeyRevoked]]) -> None:
    highest: dict[str, p.KeyIssued | p.KeyRevoked] = {}
    for event in events:
        known = highest.get(event.data.key_id)
        if known is None or event.data.revision > known.revision:
            highest[event.data.key_id] = event.data
    if highest:
        await tables.save_keys(tx, list(highest.values()))


async def _hear_participants(
    tx: Transaction, events: Sequence[Event[p.ParticipantEnrolled]]
) -> dict[str, Cause]:
    """Save higher revisions; returns the conversions of those whose ids changed."""
    highest: dict[str, Participant] = {}
    causes: dict[str, Cause] = {}
    for event in events:
        participant = _participant(event.data)
        known = highest.get(participant.participant_id)
        if known is None or participant.revision > known.revision:
            highest[participant.participant_id] = participant
            causes[participant.participant_id] = event.cause
    if not highest:
        return {}
    before = await tables.lock_participants(tx, highest)
    changed = await tables.save_participants(tx, list(highest.values()))
    for id_ in sorted(changed):
        tx.fact("participant", id_)
    moved = {
        id_: (before[id_], highest[id_])
        for id_ in changed & before.keys()  # before it is known, its credits wait
        if before[id_].nodes != highest[id_].nodes
    }
    return await _conversions_of(tx, moved, causes)


async def _conversions_of(
    tx: Transaction,
    moved: dict[str, tuple[Participant, Participant]],
    causes: dict[str, Cause],
) -> dict[str, Cause]:
    """The conversions near the old or new ids of these participants that are credited to them."""
    ids = {node for two in moved.values() for one in two for node in one.nodes}
    if not ids:
        return {}
    await people.lock_around(tx, ids)
    around = await people.graph_within(tx, ids)
    near: set[Node] = ids.union(*((bond.left, bond.right) for bond in around.bonds))
    found = {conversion_id for _, conversion_id in await people.conversions_at(tx, near)}
    decided = await conversions.decided(tx, found) if found else {}
    return {
        conversion_id: causes[participant_id]
        for conversion_id, credit in decided.items()
        for participant_id in credit.participant_ids
        if participant_id in moved
    }


def _policy(data: p.ProgramVersionActivated) -> Policy:
    return Policy(
        program_id=data.program_id,
        version=data.version,
        hold_seconds=data.hold_seconds,
        fraud=data.fraud,
    )


def _participant(data: p.ParticipantEnrolled) -> Participant:
    return Participant(
        participant_id=data.participant_id,
        revision=data.revision,
        customer_id=data.customer_id,
        email_hash=data.email_hash,
    )
