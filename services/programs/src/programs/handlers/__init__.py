"""Turns what the control plane hears, and what falls due, into decisions in one transaction."""

from collections.abc import Sequence
from functools import partial

from service_kit.events import Event, of_type
from service_kit.service import DueHandler, Handler
from service_kit.transaction import Transaction
from shared_schemas.event import EventData
from shared_schemas.events.contacts import ContactSubmitted
from shared_schemas.events.partners import CampaignLaunched

from .campaigns import CAMPAIGN_STARTS, hear_campaigns, start_campaigns
from .clockwork import DAY_KEYS, expire_links, renew_day_keys
from .desk import LINK_EXPIRES, Desk
from .sealing import hear_contacts

HEARS = (ContactSubmitted, CampaignLaunched)


def handler(desk: Desk) -> Handler:
    """What handles a batch."""
    return partial(_handle, desk)


def due_handlers(desk: Desk) -> dict[str, DueHandler]:
    """What handles due rows, by kind."""
    return {
        LINK_EXPIRES: partial(expire_links, desk),
        CAMPAIGN_STARTS: partial(start_campaigns, desk),
        DAY_KEYS: partial(renew_day_keys, desk),
    }


async def _handle(desk: Desk, tx: Transaction, events: Sequence[Event[EventData]]) -> None:
    await hear_campaigns(desk, tx, of_type(events, CampaignLaunched))
    await hear_contacts(tx, desk.vault, of_type(events, ContactSubmitted))
