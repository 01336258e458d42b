"""Turns what notifications hear, and what falls due, into deliveries in one transaction."""

from collections.abc import Sequence
from functools import partial

from service_kit.events import Event, of_type
from service_kit.service import Handler
from service_kit.transaction import Transaction
from shared_schemas.event import EventData
from shared_schemas.events.contacts import ContactForgotten, ContactSealed
from shared_schemas.events.hub import LoginRequested
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
from shared_schemas.events.tracking import IdentityLinked, IdentityUnlinked

from ..domain.delivery import Preference
from .people import hear_people
from .telling import hear_logins, hear_rewards

REWARDS: tuple[type[RewardChanged], ...] = (
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
HEARS: tuple[type[EventData], ...] = (
    *REWARDS,
    ContactSealed,
    ContactForgotten,
    IdentityLinked,
    IdentityUnlinked,
    LoginRequested,
)


def handler(default_preference: Preference) -> Handler:
    """What handles a batch; the preference is theirs who never said one."""
    return partial(_handle, default_preference)


async def _handle(
    default_preference: Preference, tx: Transaction, events: Sequence[Event[EventData]]
) -> None:
    """Rewards first: everywhere digests are locked before deliveries."""
    await hear_rewards(tx, of_type(events, *REWARDS), default_preference)
    await hear_logins(tx, of_type(events, LoginRequested))
    sealed, forgotten = of_type(events, ContactSealed), of_type(events, ContactForgotten)
    await hear_people(tx, of_type(events, IdentityLinked), [*sealed, *forgotten])
