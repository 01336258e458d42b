"""Hears rewards, and keeps the read tables of participants, links and admin keys."""

from collections.abc import Sequence

from service_kit.events import Event, of_type
from service_kit.transaction import Transaction
from shared_schemas.event import EventData
from shared_schemas.events.programs import (
    KeyIssued,
    KeyRevoked,
    LinkIssued,
    LinkRevoked,
    ParticipantChanged,
    ParticipantDeactivated,
    ParticipantEnrolled,
)
from shared_schemas.events.rewards import (
    RewardApproved,
    RewardChanged,
    RewardClawedBack,
    RewardDeclined,
    RewardExpired,
    RewardFulfilled,
    RewardFulfilling,
    RewardHeld,
    RewardPending,
    RewardRevised,
)
from shared_schemas.keys import KeyKind
from shared_schemas.words import Group

from .store import statements, tables

HEARS = (
    RewardPending,
    RewardHeld,
    RewardApproved,
    RewardFulfilling,
    RewardFulfilled,
    RewardDeclined,
    RewardExpired,
    RewardRevised,
    RewardClawedBack,
)
TABLES = (
    ParticipantEnrolled,
    ParticipantChanged,
    ParticipantDeactivated,
    LinkIssued,
    LinkRevoked,
    KeyIssued,
    KeyRevoked,
)


async def handle(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
    """Keep what partners earn: rewards of the group partner, whoever the partner is by then."""
    earned = [e.data for e in of_type(events, RewardChanged) if e.data.group is Group.PARTNER]
    if earned:
        await statements.add_revisions(tx, earned)


async def hear_table(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
    """Keep the newest revisions. Nothing of ours waits for them, so no fact is announced."""
    participants = [event.data for event in of_type(events, ParticipantEnrolled)]
    links = [event.data for event in of_type(events, LinkIssued)]
    told = [event.data for event in events]
    keys = [data for data in told if isinstance(data, KeyIssued | KeyRevoked)]
    admin_keys = [key for key in keys if key.kind is KeyKind.ADMIN]
    if participants:
        await tables.apply_participants(tx, participants)
    if links:
        await tables.apply_links(tx, links)
    if admin_keys:
        await tables.apply_keys(tx, admin_keys)
