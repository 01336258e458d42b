"""The routes of `/v1`, in the shape of Segment's HTTP API."""

from datetime import datetime

from litestar import Router, post
from litestar.types import ASGIApp, ControllerRouterHandler
from shared_schemas.keys import KeyKind

from ..domain.bodies import MAX_EVENT_BYTES, read_batch, read_message
from ..domain.case import Arrival
from ..domain.fields import NOTHING, instant
from ..domain.interpret import Kind
from ..domain.outcome import Dropped, Refused, TooLarge
from ..domain.tables import ApiKey
from .answers import PREFLIGHT, answer_many, answer_one, problem
from .door import Door
from .intake import Delivery, take
from .openapi import BATCH_DOCUMENTED, MESSAGE_DOCUMENTED
from .requests import HttpRequest, agent_from, header, network_from, raw_key, read_body


class _NoKey(Refused):
    """The client showed no key that opens this door."""

    status = 401


class _Starting(Dropped):
    """Whether the key is good cannot be told yet."""

    status = 503


def ingest_routes(door: Door) -> ControllerRouterHandler:
    """`identify`, `track`, `page` and `batch`; a page of any origin may post to them."""

    @post(
        "/identify",
        summary="Link a person's ids: two of userId, anonymousId and traits.email",
        status_code=200,
        **MESSAGE_DOCUMENTED,
    )
    async def identify(request: HttpRequest) -> ASGIApp:
        return await _one(door, request, Kind.IDENTIFY)

    @post(
        "/track",
        summary="Report a conversion, a refund or a change of consent",
        status_code=200,
        **MESSAGE_DOCUMENTED,
    )
    async def track(request: HttpRequest) -> ASGIApp:
        return await _one(door, request, Kind.TRACK)

    @post(
        "/page",
        summary="Report a page that was opened with a link token in its address",
        status_code=200,
        **MESSAGE_DOCUMENTED,
    )
    async def page(request: HttpRequest) -> ASGIApp:
        return await _one(door, request, Kind.PAGE)

    @post(
        "/batch",
        summary="Send up to 2,500 messages, each of 32 KB, together of 500 KB",
        status_code=200,
        **BATCH_DOCUMENTED,
    )
    async def batch(request: HttpRequest) -> ASGIApp:
        return await _many(door, request)

    return Router(
        "/v1",
        route_handlers=[identify, track, page, batch],
        response_headers=PREFLIGHT,  # on Litestar's own answer to OPTIONS; ours carry theirs
    )


async def _one(door: Door, request: HttpRequest, kind: Kind) -> ASGIApp:
    try:
        data = await read_body(request)
        if len(data) > MAX_EVENT_BYTES:
            raise TooLarge("too_large", f"a message has at most {MAX_EVENT_BYTES} bytes")
        message = read_message(data)
        arrival = _arrival(door, request, message.get("writeKey"))
        delivery = Delivery(parts=(message,), kind=kind, arrival=arrival, beside=NOTHING)
        (outcome,) = (await take(door, delivery)).values()
        return answer_one(outcome)
    except Dropped as refused:
        return problem(refused.status, refused.code, refused.detail)


async def _many(door: Door, request: HttpRequest) -> ASGIApp:
    try:
        batch = read_batch(await read_body(request))
        arrival = _arrival(door, request, batch.beside.get("writeKey"))
        delivery = Delivery(
            parts=batch.messages,
            kind=None,
            arrival=arrival,
            beside=batch.beside,
            sent_at=instant(batch.beside, "sentAt"),
        )
        return answer_many(await take(door, delivery))
    except Dropped as refused:
        return problem(refused.status, refused.code, refused.detail)


def _arrival(door: Door, request: HttpRequest, key_in_body: object) -> Arrival:
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
