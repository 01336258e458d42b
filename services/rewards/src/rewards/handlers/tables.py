"""Hears the table topics: programs' versions, markets' zones, participants' histories."""

from collections.abc import Sequence

from service_kit.events import Event, of_type
from service_kit.transaction import Transaction
from shared_schemas.event import EventData
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    ParticipantEnrolled,
    ProgramVersionActivated,
)

from ..store import facts


async def hear_table(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
    """Keep what is new and announce it; nothing that was heard before changes a row."""
    versions = [event.data for event in of_type(events, ProgramVersionActivated)]
    if versions:
        for program_id, version in await facts.apply_versions(tx, versions):
            tx.fact("program_version", f"{program_id}/{version}")
    markets = [event.data for event in of_type(events, AttributionPolicyActivated)]
    if markets:
        for market_id in await facts.apply_markets(tx, markets):
            tx.fact("market", market_id)
    participants = [event.data for event in of_type(events, ParticipantEnrolled)]
    if participants:
        for participant_id in await facts.apply_participants(tx, participants):
            tx.fact("participant", participant_id)
