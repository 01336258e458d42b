"""Logging in by a one-time link, sessions, and what guards every page."""

from datetime import timedelta
from secrets import token_urlsafe
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field
from service_kit.events import Cause
from service_kit.http import to_operators
from service_kit.runtime import Runtime
from service_kit.telemetry import current_traceparent
from shared_schemas.event import MAX_ID_CHARACTERS
from shared_schemas.events.hub import LoginRequested

from ..domain.logins import Role, Session, is_signed, session_hash, signature
from ..settings import Settings
from ..store import reading, sessions
from .refusals import WANTED, Forged, LoginNeeded, pages, programs, wanted_page
from .rendering import render

OPERATOR: Final = "operator"
_ID_BYTES: Final = 24
_OUR_OWN: Final = ("same-origin", "none")


class Ask(BaseModel):
    """For whom a one-time link is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str = Field(min_length=1, max_length=MAX_ID_CHARACTERS)
    role: Role = Role.PARTICIPANT


def cookie_name(settings: Settings) -> str:
    """`__Host-` binds the cookie to this very host; it needs https, which localhost may lack."""
    return "__Host-gw_session" if _is_encrypted(settings) else "gw_session"


async def current(request: Request[Any, Any, Any], runtime: Runtime[Settings]) -> Session:
    """The session of a request. Raises LoginNeeded."""
    cookie = request.cookies.get(cookie_name(runtime.settings))
    if not cookie:
        raise LoginNeeded
    async with runtime.transaction() as tx:
        found = await sessions.session(tx, session_hash(cookie), runtime.now())
    if found is None:
        raise LoginNeeded
    return found


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """`/login`, `/logout`, and the internal route behind `goodword login`."""
    handlers = [_asking(runtime), _ask(runtime), _confirm(runtime), _enter(runtime)]
    handlers += [_leaving(runtime), _leave(runtime)]
    return [
        pages(handlers, guards=(_from_our_page,)),
        programs("/internal", [_make(runtime)], to_operators(runtime.settings)),
    ]


def _from_our_page(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Browsers say where a form came from; it must be one of our own pages."""
    site = connection.headers.get("sec-fetch-site", "none")
    if connection.scope.get("method") == "POST" and site not in _OUR_OWN:
        raise Forged("Please reload the page and try again.")


def _asking(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @get("/login")
    async def asking(
        request: Request[Any, Any, Any], sent: FromQuery[bool] = False
    ) -> Response[str]:
        minutes = runtime.settings.login_seconds // 60
        return render(request, "login.html", sent=sent, minutes=minutes)

    return asking


def _ask(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @post("/login")
    async def ask(request: Request[Any, Any, Any]) -> Redirect:
        """The same answer for known and unknown people: nobody learns who takes part."""
        form = await request.form()
        subject = str(form.get("subject", "")).strip().replace("\x00", "")[:MAX_ID_CHARACTERS]
        now, login_id = runtime.now(), token_urlsafe(_ID_BYTES)
        expires_at = now + timedelta(seconds=runtime.settings.login_seconds)
        async with runtime.transaction() as tx:
            known = bool(subject) and await reading.is_known(tx, subject)
            times = {"now": now, "expires_at": expires_at}
            if known and await sessions.ask_login(tx, login_id, subject, **times):
                wanted = LoginRequested(
                    subject=subject, login_id=login_id, requested_at=now, expires_at=expires_at
                )
                tx.emit(wanted, cause=Cause.of_request("hub", login_id, now, current_traceparent()))
        return Redirect("/login?sent=true", status_code=303)

    return ask


def _make(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @post("/logins", status_code=201, summary="A one-time link, not mailed: for `goodword login`.")
    async def make(data: JSONBody[Ask]) -> dict[str, str]:
        settings, now, login_id = runtime.settings, runtime.now(), token_urlsafe(_ID_BYTES)
        expires_at = now + timedelta(seconds=settings.login_seconds)
        role = Role.OPERATOR if data.subject == OPERATOR else data.role
        async with runtime.transaction() as tx:
            await sessions.add_login(
                tx, login_id, (data.subject, role), now=now, expires_at=expires_at
            )
        signed = signature(settings.login_secret.get_secret_value(), login_id)
        return {"url": f"{settings.public_url}/login/{login_id}.{signed}"}

    return make


def _confirm(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @get("/login/{link:str}")
    async def confirm(request: Request[Any, Any, Any], link: FromPath[str]) -> Response[str]:
        """A button, because mail scanners follow links: only a person presses it."""
        return render(request, "confirm.html", link=link if _login_id(runtime, link) else None)

    return confirm


def _enter(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @post("/login/{link:str}")
    async def enter(request: Request[Any, Any, Any], link: FromPath[str]) -> Response[Any]:
        settings, now, login_id = runtime.settings, runtime.now(), _login_id(runtime, link)
        async with runtime.transaction() as tx:
            who = await sessions.use_login(tx, login_id, now) if login_id else None
            if who is None:
                return render(request, "confirm.html", link=None, status=410)
            session_id = token_urlsafe(_ID_BYTES)
            expires_at = now + timedelta(seconds=settings.session_seconds)
            opened = Session(*who, csrf=token_urlsafe(_ID_BYTES))
            await sessions.add_session(tx, session_hash(session_id), opened, expires_at)
        answer = Redirect(wanted_page(request), status_code=303)
        answer.set_cookie(_cookie(settings, session_id, settings.session_seconds))
        answer.delete_cookie(WANTED)
        return answer

    return enter


def _leaving(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @get("/logout")
    async def leaving(request: Request[Any, Any, Any]) -> Response[str]:
        """Asks first: following an address must end nothing."""
        return render(request, "logout.html", session=await current(request, runtime))

    return leaving


def _leave(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @post("/logout")
    async def leave(request: Request[Any, Any, Any]) -> Redirect:
        session = await current(request, runtime)
        if str((await request.form()).get("csrf")) != session.csrf:
            raise Forged("Please reload the page and try again.")
        name = cookie_name(runtime.settings)
        async with runtime.transaction() as tx:
            await sessions.end_session(tx, session_hash(request.cookies[name]))
        answer = Redirect("/login", status_code=303)
        answer.set_cookie(_cookie(runtime.settings, "", 0))
        return answer

    return leave


def _login_id(runtime: Runtime[Settings], link: str) -> str | None:
    login_id, _, signed = link.partition(".")
    secret = runtime.settings.login_secret.get_secret_value()
    return login_id if is_signed(secret, login_id, signed) else None


def _is_encrypted(settings: Settings) -> bool:
    return settings.public_url.startswith("https://")


def _cookie(settings: Settings, session_id: str, seconds: int) -> Cookie:
    return Cookie(
        key=cookie_name(settings),
        value=session_id,
        path="/",
        max_age=seconds,
        secure=_is_encrypted(settings),
        httponly=True,
        samesite="lax",
    )
