"""The routes of `/v1`, in the shape of Segment's HTTP API."""

from litestar import Router, post
from litestar.types import ASGIApp, ControllerRouterHandler

from ..domain.bodies import MAX_EVENT_BYTES, read_batch, read_message
from ..domain.fields import NOTHING, instant
from ..domain.interpret import SEGMENT_KINDS, Kind
from ..domain.outcome import Dropped, TooLarge
from .answers import PREFLIGHT, answer_many, answer_one, problem
from .arrivals import arrival_of
from .door import Door
from .intake import Delivery, take
from .openapi import BATCH_DOCUMENTED, MESSAGE_DOCUMENTED
from .requests import HttpRequest, read_body

_SUMMARIES = {
    Kind.IDENTIFY: "Link a person's ids: two of userId, anonymousId and traits.email",
    Kind.TRACK: "Report a conversion, a refund or a change of consent",
    Kind.PAGE: "Report a page that was opened with a link token in its address",
    Kind.SCREEN: "Report an app's screen that was opened with a link token in its address",
    Kind.GROUP: "Tell which account a person belongs to",
    Kind.ALIAS: "Tell that previousId and userId are one person",
}


def ingest_routes(door: Door) -> ControllerRouterHandler:
    """Segment's calls, one at a time and in batches; a page of any origin may post to them."""

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
        route_handlers=[*(_message_route(door, kind) for kind in SEGMENT_KINDS), batch],
        response_headers=PREFLIGHT,  # on Litestar's own answer to OPTIONS; ours carry theirs
    )


def _message_route(door: Door, kind: Kind) -> ControllerRouterHandler:
    @post(f"/{kind}", summary=_SUMMARIES[kind], status_code=200, **MESSAGE_DOCUMENTED[kind])
    async def message(request: HttpRequest) -> ASGIApp:
        return await _one(door, request, kind)

    return message


async def _one(door: Door, request: HttpRequest, kind: Kind) -> ASGIApp:
    try:
        data = await read_body(request)
        if len(data) > MAX_EVENT_BYTES:
            raise TooLarge("too_large", f"a message has at most {MAX_EVENT_BYTES} bytes")
        message = read_message(data)
        arrival = arrival_of(door, request, message.get("writeKey"))
        delivery = Delivery(parts=(message,), kind=kind, arrival=arrival, beside=NOTHING)
        (outcome,) = (await take(door, delivery)).values()
        return answer_one(outcome)
    except Dropped as refused:
        return problem(refused.status, refused.code, refused.detail)


async def _many(door: Door, request: HttpRequest) -> ASGIApp:
    try:
        batch = read_batch(await read_body(request))
        arrival = arrival_of(door, request, batch.beside.get("writeKey"))
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
