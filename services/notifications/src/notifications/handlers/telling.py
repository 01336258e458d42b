"""Rewards and logins become deliveries: kept as intent, in-app ones told at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service_kit.events import Event
from service_kit.transaction import Transaction
from shared_schemas.event import EventData
from shared_schemas.events.hub import LoginRequested
from shared_schemas.events.rewards import RewardChanged

from ..domain.delivery import (
    Delivery,
    Notice,
    Preference,
    Subscription,
    login_mail,
    side_of,
    told,
)
from ..domain.schedule import next_digest_at
from ..store import deliveries, digests, endpoints, facts
from ..store.preferences import preferences
from .concluding import announce

DIGEST_DUE = "digest"
Intent = tuple[Event[EventData], Notice, Delivery]


@dataclass(frozen=True, slots=True)
class _Known:
    """What a batch of rewards is decided by."""

    preferences: dict[str, Preference]
    default: Preference
    zones: dict[str, str]
    subscriptions: list[Subscription]
    digested: dict[digests.Reader, datetime]

    def preference(self, subject: str) -> Preference:
        return self.preferences.get(subject, self.default)

    def digest_at(self, event: Event[RewardChanged], zone: str) -> datetime:
        """The first digest after the event that has not gone yet, however late it is heard."""
        through = self.digested[event.data.beneficiary_id, event.data.side.value]
        return next_digest_at(max(event.now, through), zone)


async def _known(
    tx: Transaction, events: Sequence[Event[RewardChanged]], default: Preference
) -> _Known:
    stated = await preferences(tx, sorted({event.data.beneficiary_id for event in events}))
    collecting = {
        (event.data.beneficiary_id, event.data.side.value)
        for event in events
        if stated.get(event.data.beneficiary_id, default) is Preference.DIGEST
    }
    return _Known(
        stated,
        default,
        await facts.zones(tx, sorted({event.data.market_id for event in events})),
        await endpoints.subscriptions(tx),
        await digests.lock(tx, collecting),
    )


async def hear_rewards(
    tx: Transaction, events: Sequence[Event[RewardChanged]], default: Preference
) -> None:
    """Tell each change to its beneficiary, and to the webhooks that listen."""
    if not events:
        return
    known = await _known(tx, events, default)
    intents: list[Intent] = []
    for event in events:
        preference = known.preference(event.data.beneficiary_id)
        digest_at: datetime | None = None
        if preference is Preference.DIGEST:
            zone = known.zones.get(event.data.market_id)
            if zone is None:
                tx.wait_for(event, "market", event.data.market_id)
                continue
            digest_at = known.digest_at(event, zone)
        notice = _notice(event)
        intents += [
            (event, notice, one)
            for one in told(notice, event.data, preference, known.subscriptions, digest_at)
        ]
    await _keep(tx, intents)


async def hear_logins(tx: Transaction, events: Sequence[Event[LoginRequested]]) -> None:
    """Send whoever asked a one-time link."""
    intents: list[Intent] = []
    for event in events:
        notice = _notice(event)
        mail = login_mail(notice, event.data.subject, event.data.expires_at)
        intents.append((event, notice, mail))
    await _keep(tx, intents)


async def _keep(tx: Transaction, intents: Sequence[Intent]) -> None:
    if not intents:
        return
    await deliveries.add_notices(tx, [notice for _, notice, _ in intents])
    new = await deliveries.add(tx, [delivery for _, _, delivery in intents])
    for event, notice, delivery in intents:
        if delivery.delivery_id not in new:
            continue
        announce(tx, delivery, notice, event.now)
        if delivery.digest_at is not None:
            side = side_of(delivery.template)
            tx.due(
                DIGEST_DUE,
                f"{side}/{delivery.subject}",
                delivery.digest_at,
                cause=event.cause,
                payload={"subject": delivery.subject, "side": side},
            )


def _notice(event: Event[EventData]) -> Notice:
    cause = event.cause
    return Notice(
        source=event.source,
        event_id=event.id,
        event_type=event.type,
        at=event.now,
        correlation_id=cause.correlation_id,
        traceparent=cause.traceparent,
        body=event.data.model_dump(mode="json", exclude_none=True),
    )
