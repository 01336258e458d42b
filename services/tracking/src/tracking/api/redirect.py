"""`GET /r/{code}`: the way on, with a touch recorded beside it."""

from dataclasses import dataclass
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
from shared_schemas.codes import Form, form_of
from shared_schemas.states import LinkState

from ..domain.clicks import Followed, Visit, follow
from ..domain.machines import Machine, machine_of
from ..domain.tables import Link, Policy
from ..domain.targets import Wish, destination_for
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
    purpose_of,
    queried,
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
        description="`?market=` and `?language=` choose among the link's own destinations.",
        responses={
            302: ResponseSpec(None, description="The link's own destination, with a link token"),
            404: ResponseSpec(None, description="No such link"),
            410: ResponseSpec(
                None, description="The link was revoked, has expired or leads where none may"
            ),
            503: ResponseSpec(None, description="The links are still being read"),
        },
    )
    async def follow_link(request: HttpRequest, code: FromPath[str]) -> ASGIApp:
        now = door.now()
        link = door.registry.link(code)
        if link is None:
            return _nowhere(door, request, _why_unknown(door, code))
        if link.state_at(now) is not LinkState.ACTIVE:
            return _nowhere(door, request, Reason.ENDED, link)
        policy = door.registry.policy(link.market_id, now)
        destination = _destination(request, link, policy)
        if not door.destinations.allows(destination):
            return _nowhere(door, request, Reason.REFUSED, link)
        machine = _machine(door, request)
        if machine is not None and machine is not Machine.PREFETCH:
            clicks(machine.value).inc()
            return Answer(302, _PRIVATE | {b"location": destination.encode()})
        followed = _followed(door, request, link, policy, _Arrival(now, destination))
        return await _lead(door, request, followed, only_ahead=machine is Machine.PREFETCH)

    return [follow_link]


@dataclass(frozen=True, slots=True)
class _Arrival:
    """When somebody came, and where they are led."""

    at: datetime
    destination: str


def _machine(door: Door, request: HttpRequest) -> Machine | None:
    machine = machine_of(request.method, purpose_of(request), agent_from(request))
    return None if machine is Machine.TOOL and door.settings.tools_count else machine


def _why_unknown(door: Door, code: str) -> Reason:
    if not door.registry.complete:
        return Reason.STARTING
    return Reason.MISTYPED if form_of(code) is Form.MISTYPED else Reason.UNKNOWN


def _destination(request: HttpRequest, link: Link, policy: Policy | None) -> str:
    """Which of the link's own destinations; whatever the address asks for, never another one."""
    if not link.targets:
        return link.destination
    asked = queried(request)
    wish = Wish(
        market_id=asked.get("market"),
        language=asked.get("language"),
        accept_language=header(request, b"accept-language"),
    )
    return destination_for(link, wish, policy.language if policy else None)


def _followed(
    door: Door, request: HttpRequest, link: Link, policy: Policy | None, arrival: _Arrival
) -> Followed:
    settings, drawn = door.settings, urandom(2 * _ID_BYTES)
    visit = Visit(
        received_at=arrival.at,
        destination=arrival.destination,
        click_id=drawn[:_ID_BYTES].hex(),
        fresh_visitor_id=drawn[_ID_BYTES:].hex(),
        cookie=visitor_cookie(request),
        network=network_from(request, settings.trusted_proxies),
        agent=agent_from(request),
    )
    return follow(link, policy, visit, door.secrets, timedelta(seconds=settings.token_seconds))


async def _lead(
    door: Door, request: HttpRequest, followed: Followed, *, only_ahead: bool
) -> ASGIApp:
    """On to the destination. What is only fetched ahead gets the token, from which the touch is
    rebuilt if somebody really comes, but is no touch itself and sets no cookie."""
    headers = _PRIVATE | {b"location": followed.location.encode()}
    if only_ahead:
        clicks(Machine.PREFETCH.value).inc()
        return Answer(302, headers)
    settings = door.settings
    within_seconds = settings.redirect_wait_milliseconds / 1_000
    code = followed.click.code
    await door.lanes.record(code, _record(followed), within_seconds=within_seconds)
    clicks("followed").inc()
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
