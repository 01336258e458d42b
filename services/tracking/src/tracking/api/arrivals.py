"""Who reports: the key that a request shows, and what it tells of the person."""

from datetime import datetime

from shared_schemas.keys import KeyKind

from ..domain.case import Arrival
from ..domain.outcome import Dropped, Refused
from ..domain.tables import ApiKey
from .door import Door
from .requests import HttpRequest, agent_from, header, network_from, raw_key


class _NoKey(Refused):
    """The client showed no key that opens this door."""

    status = 401


class _Starting(Dropped):
    """Whether the key is good cannot be told yet."""

    status = 503


def arrival_of(door: Door, request: HttpRequest, key_in_body: object) -> Arrival:
    """Who reports. Raises Dropped: 401 for no valid key, 503 while that cannot be told."""
    received_at = door.now()
    key = _key(door, raw_key(header(request, b"authorization"), key_in_body), received_at)
    of_the_person = key.kind is KeyKind.PUBLISHABLE
    return Arrival(
        key=key,
        received_at=received_at,
        tables=door.registry,
        secrets=door.secrets,
        network=network_from(request, door.settings.trusted_proxies) if of_the_person else None,
        agent=agent_from(request) if of_the_person else None,
    )


def _key(door: Door, raw: str | None, now: datetime) -> ApiKey:
    if raw is None:
        raise _NoKey("no_key", "send the write key as user name of Basic authentication")
    key = door.key(raw)
    if key is None and not door.registry.complete:
        raise _Starting("starting", "the table of keys is still being read")
    if key is None or not key.opens_door(now):
        raise _NoKey("invalid_key", "the write key is unknown, revoked, expired or not for this")
    return key
