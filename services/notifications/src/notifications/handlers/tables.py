"""Table topics: participants, markets and admin keys, kept by their newest revision."""

from collections.abc import Sequence

from service_kit.events import Event, of_type
from service_kit.transaction import Transaction
from shared_schemas.event import EventData
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    KeyIssued,
    KeyRevoked,
    ParticipantChanged,
    ParticipantDeactivated,
    ParticipantEnrolled,
)
from shared_schemas.keys import KeyKind

from ..store import facts

TABLES: tuple[type[EventData], ...] = (
    AttributionPolicyActivated,
    ParticipantEnrolled,
    ParticipantChanged,
    ParticipantDeactivated,
    KeyIssued,
    KeyRevoked,
)


async def hear_table(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
    """Apply what is newer than what is known, and announce it."""
    participants = [event.data for event in of_type(events, ParticipantEnrolled)]
    markets = [event.data for event in of_type(events, AttributionPolicyActivated)]
    issued = [event.data for event in of_type(events, KeyIssued)]
    revoked = [event.data for event in of_type(events, KeyRevoked)]
    both: list[KeyIssued | KeyRevoked] = [*issued, *revoked]
    keys = [one for one in both if one.kind is KeyKind.ADMIN]
    if participants:
        for participant_id in await facts.apply_participants(tx, participants):
            tx.fact("participant", participant_id)
    if markets:
        for market_id in await facts.apply_markets(tx, markets):
            tx.fact("market", market_id)
    if keys:
        await facts.apply_keys(tx, keys)
