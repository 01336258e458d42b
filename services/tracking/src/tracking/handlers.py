"""Turns what the table topics say into entries of the registry."""

from collections.abc import Sequence
from functools import singledispatch

from service_kit.events import Event
from shared_schemas.destinations import with_parameters
from shared_schemas.event import EventData
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    KeyIssued,
    KeyRevoked,
    LinkIssued,
    LinkRevoked,
)
from shared_schemas.keys import KeyKind
from shared_schemas.states import LinkState

from .domain.tables import ApiKey, DayKey, Link, Policy, Target
from .store.registry import Entry, Registry, Revocation

TABLES = (AttributionPolicyActivated, KeyIssued, KeyRevoked, LinkIssued, LinkRevoked)


async def remember(registry: Registry, events: Sequence[Event[EventData]]) -> None:
    """Take in a batch of table records; those of no interest here are passed over."""
    entries = (entry_of(event.data) for event in events)
    registry.learn(entry for entry in entries if entry is not None)


@singledispatch
def entry_of(_data: EventData) -> Entry | None:
    """The registry's entry of a record; None for what tracking need not know."""
    return None


@entry_of.register
def _link(data: LinkIssued) -> Link:
    added = [(parameter.name, parameter.value) for parameter in data.parameters]
    return Link(
        code=data.code,
        revision=data.revision,
        program_id=data.program_id,
        market_id=data.market_id,
        destination=with_parameters(data.destination, added),
        targets=tuple(
            Target(
                destination=with_parameters(target.destination, added),
                market_id=target.market_id,
                language=target.language,
            )
            for target in data.targets
        ),
        state=LinkState.REVOKED if isinstance(data, LinkRevoked) else data.state,
        expires_at=data.expires_at,
    )


@entry_of.register
def _policy(data: AttributionPolicyActivated) -> Policy:
    return Policy(
        market_id=data.market_id,
        version=data.version,
        effective_at=data.effective_at,
        consent_mode=data.consent_mode,
        language=data.language,
        currency=data.currency,
    )


@entry_of.register
def _key(data: KeyIssued) -> ApiKey | DayKey | None:
    if data.kind is KeyKind.DAY:
        return _day_key(data)
    if data.hash is None:
        return None
    return ApiKey(
        key_id=data.key_id,
        revision=data.revision,
        hash=data.hash,
        kind=data.kind,
        source=data.source or f"key/{data.key_id}",
        scopes=data.scopes,
        market_id=data.market_id,
        valid_from=data.valid_from,
        expires_at=data.expires_at,
    )


def _day_key(data: KeyIssued) -> DayKey | None:
    if data.public_key is None:
        return None
    return DayKey(
        key_id=data.key_id,
        revision=data.revision,
        public_key=data.public_key,
        valid_from=data.valid_from,
        expires_at=data.expires_at,
    )


@entry_of.register
def _revocation(data: KeyRevoked) -> Revocation:
    return Revocation(key_id=data.key_id, revision=data.revision)
