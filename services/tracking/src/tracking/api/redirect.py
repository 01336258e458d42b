"""`GET /r/{code}`: the way on, with a touch recorded beside it."""

from datetime import datetime, timedelta
from os import urandom

from litestar import route
from litestar.enums import HttpMethod
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.types import ASGIApp, ControllerRouterHandler
from service_kit.producer import Record
from service_kit.telemetry import current_traceparent
from shared_schemas import ids
from shared_schemas.states import LinkState

from ..domain.clicks import Followed, Visit, follow
from ..domain.tables import Link
from ..store.records import Posting, record_of
from .answers import RETRY_AFTER_SECONDS, Answer
from .door import SOURCE, Door, clicks
from .pages import PAGE_HEADERS, STATUS, Reason, page
from .requests import (
    COOKIE,
    HttpRequest,
    agent_from,
    header,
    is_secure,
    network_from,
    visitor_cookie,
)

_COOKIE_SECONDS = 365 * 86_400
_ID_BYTES = 16
_PRIVATE = {b"cache-control": b"no-store", b"referrer-policy": b"no-referrer"}


def redirect_routes(door: Door) -> list[ControllerRouterHandler]:
    """The one route that people follow."""

    @route(
        "/r/{code:str}",
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        status_code=302,
        summary="Follow a link; the click is recorded, the answer hardly waits for it",
        responses={
            302: ResponseSpec(None, description="The link's own destination, with a link token"),
            404: ResponseSpec(None, description="No such link"),
            410: ResponseSpec(None, description="The link was revoked or has expired"),
            503: ResponseSpec(None, description="The links are still being read"),
        },
    )
    async def follow_link(request: HttpRequest, code: FromPath[str]) -> ASGIApp:
        now = door.now()
        link = door.registry.link(code)
        if link is None:
            return _nowhere(
                door, request, Reason.UNKNOWN if door.registry.complete else Reason.STARTING
            )
        if link.state_at(now) is not LinkState.ACTIVE:
            return _nowhere(door, request, Reason.ENDED, link)
        if request.method == HttpMethod.HEAD:
            clicks("head").inc()
            return Answer(302, _PRIVATE | {b"location": link.destination.encode()})
        return await _follow(door, request, link, now)

    return [follow_link]


async def _follow(door: Door, request: HttpRequest, link: Link, now: datetime) -> ASGIApp:
    settings, drawn = door.settings, urandom(2 * _ID_BYTES)
    visit = Visit(
        received_at=now,
        click_id=drawn[:_ID_BYTES].hex(),
        fresh_visitor_id=drawn[_ID_BYTES:].hex(),
        cookie=visitor_cookie(request),
        network=network_from(request, settings.trusted_proxies),
        agent=agent_from(request),
    )
    policy = door.registry.policy(link.market_id, visit.received_at)
    lasts = timedelta(seconds=settings.token_seconds)
    followed = follow(link, policy, visit, door.secrets, lasts)
    within_seconds = settings.redirect_wait_milliseconds / 1_000
    await door.journal.entrust(_record(followed), within_seconds=within_seconds)
    clicks("followed").inc()
    headers = _PRIVATE | {b"location": followed.location.encode()}
    if followed.visitor_id is not None:
        secure = is_secure(request, settings.trusted_proxies)
        headers[b"set-cookie"] = _set_cookie(followed.visitor_id, secure).encode()
    return Answer(302, headers)


def _record(followed: Followed) -> Record:
    click = followed.click
    posting = Posting(
        event_id=ids.door_event_id(SOURCE, click.touch_id),
        source=SOURCE,
        received_at=click.received_at,
        traceparent=current_traceparent(),
    )
    return record_of(click, posting)


def _nowhere(door: Door, request: HttpRequest, reason: Reason, link: Link | None = None) -> ASGIApp:
    clicks(reason.value).inc()
    policy = door.registry.policy(link.market_id, door.now()) if link else None
    headers = PAGE_HEADERS | _PRIVATE
    if reason is Reason.STARTING:
        headers = headers | {b"retry-after": str(RETRY_AFTER_SECONDS).encode()}
    accepted = header(request, b"accept-language")
    return Answer(
        STATUS[reason], headers, page(reason, accepted, policy.language if policy else None)
    )


def _set_cookie(visitor_id: str, secure: bool) -> str:
    attributes = f"Path=/; Max-Age={_COOKIE_SECONDS}; HttpOnly; SameSite=Lax"
    return f"{COOKIE}={visitor_id}; {attributes}{'; Secure' if secure else ''}"
