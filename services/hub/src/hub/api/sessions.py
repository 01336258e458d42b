"""Logging in by a one-time link, sessions, and what guards every page."""

from datetime import timedelta
from secrets import token_urlsafe
from typing import Any, Final

from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field
from service_kit.events import Cause
from service_kit.http.operations import bearer_guard
from service_kit.problems import Rejected
from service_kit.runtime import Runtime
from service_kit.telemetry import current_traceparent
from shared_schemas.event import MAX_ID_CHARACTERS
from shared_schemas.events.hub import LoginRequested

from ..domain.logins import Role, Session, is_signed, session_hash, signature
from ..settings import Settings
from ..store import reading, sessions
from .rendering import render

OPERATOR: Final = "operator"
_ID_BYTES: Final = 24


class LoginNeeded(Exception):
    """The page needs a session, and there is none."""


class Forged(Rejected):
    """The form did not come from our own page."""

    status = 403
    title = "This form is not from this page"


class Ask(BaseModel):
    """For whom a one-time link is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str = Field(min_length=1, max_length=MAX_ID_CHARACTERS)
    role: Role = Role.PARTICIPANT


def cookie_name(settings: Settings) -> str:
    """`__Host-` binds the cookie to this very host; browsers want https for the prefix."""
    secure = settings.public_url.startswith("https://")
    return "__Host-gw_session" if secure else "gw_session"


async def current(request: Request[Any, Any, Any], runtime: Runtime[Settings]) -> Session:
    """The session of a request. Raises LoginNeeded."""
    cookie = request.cookies.get(cookie_name(runtime.settings), "")
    async with runtime.transaction() as tx:
        found = await sessions.session(tx, session_hash(cookie), runtime.now())
    if found is None:
        raise LoginNeeded
    return found


async def checked_form(request: Request[Any, Any, Any], session: Session) -> dict[str, str]:
    """The fields of a form that our own page sent. Raises Forged."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    if form.get("csrf") != session.csrf:
        raise Forged("Please reload the page and try again.")
    return form


def to_login(request: Request[Any, Any, Any], _: LoginNeeded) -> Response[str]:
    """What a page without a session answers: where to log in."""
    if "application/json" in request.headers.get("accept", ""):
        return Response('{"title":"Please log in"}', status_code=401, media_type="application/json")
    return Redirect("/login", status_code=303)


def to_problem_page(request: Request[Any, Any, Any], error: Rejected) -> Response[str]:
    """A refusal as a page for people."""
    return render(request, "error.html", detail=str(error), status=error.problem.status)


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """`/login`, `/logout`, and the internal route behind `goodword login`."""
    guard = bearer_guard(runtime.settings.operator_token.get_secret_value())
    internal = Router("/internal", route_handlers=[_make(runtime)], guards=[guard])
    return [_asking(), _ask(runtime), _confirm(runtime), _enter(runtime), _leave(runtime), internal]


def _asking() -> ControllerRouterHandler:
    @get("/login", include_in_schema=False)
    async def asking(
        request: Request[Any, Any, Any], sent: FromQuery[bool] = False
    ) -> Response[str]:
        return render(request, "login.html", sent=sent)

    return asking


def _ask(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @post("/login", include_in_schema=False)
    async def ask(request: Request[Any, Any, Any]) -> Redirect:
        """The same answer for known and unknown people: nobody learns who takes part."""
        form = await request.form()
        subject = str(form.get("subject", "")).strip().replace("\x00", "")[:MAX_ID_CHARACTERS]
        now = runtime.now()
        async with runtime.transaction() as tx:
            if subject and await reading.one(tx, "participant", subject):
                login_id = token_urlsafe(_ID_BYTES)
                expires_at = now + timedelta(seconds=runtime.settings.login_seconds)
                await sessions.add_login(
                    tx, login_id, subject=subject, role=Role.PARTICIPANT, expires_at=expires_at
                )
                wanted = LoginRequested(
                    subject=subject, login_id=login_id, requested_at=now, expires_at=expires_at
                )
                tx.emit(wanted, cause=Cause.of_request("hub", login_id, now, current_traceparent()))
        return Redirect("/login?sent=true", status_code=303)

    return ask


def _make(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @post("/logins", status_code=201, summary="A one-time link, not mailed: for `goodword login`.")
    async def make(data: JSONBody[Ask]) -> dict[str, str]:
        settings, login_id = runtime.settings, token_urlsafe(_ID_BYTES)
        expires_at = runtime.now() + timedelta(seconds=settings.login_seconds)
        role = Role.OPERATOR if data.subject == OPERATOR else data.role
        async with runtime.transaction() as tx:
            await sessions.add_login(
                tx, login_id, subject=data.subject, role=role, expires_at=expires_at
            )
        signed = signature(settings.login_secret.get_secret_value(), login_id)
        return {"url": f"{settings.public_url}/login/{login_id}.{signed}"}

    return make


def _confirm(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @get("/login/{link:str}", include_in_schema=False)
    async def confirm(request: Request[Any, Any, Any], link: FromPath[str]) -> Response[str]:
        """A button, because mail scanners follow links: only a person presses it."""
        return render(request, "confirm.html", link=link if _login_id(runtime, link) else None)

    return confirm


def _enter(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @post("/login/{link:str}", include_in_schema=False)
    async def enter(request: Request[Any, Any, Any], link: FromPath[str]) -> Response[str]:
        settings, now, login_id = runtime.settings, runtime.now(), _login_id(runtime, link)
        async with runtime.transaction() as tx:
            await sessions.forget(tx, now)
            who = await sessions.use_login(tx, login_id, now) if login_id else None
            if who is None:
                return render(request, "confirm.html", link=None, status=410)
            session_id = token_urlsafe(_ID_BYTES)
            expires_at = now + timedelta(seconds=settings.session_seconds)
            opened = Session(*who, csrf=token_urlsafe(_ID_BYTES))
            await sessions.add_session(tx, session_hash(session_id), opened, expires_at)
        answer = Redirect("/", status_code=303)
        answer.set_cookie(_cookie(settings, session_id))
        return answer

    return enter


def _leave(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @post("/logout", include_in_schema=False)
    async def leave(request: Request[Any, Any, Any]) -> Redirect:
        session = await current(request, runtime)
        await checked_form(request, session)
        name = cookie_name(runtime.settings)
        async with runtime.transaction() as tx:
            await sessions.end_session(tx, session_hash(request.cookies.get(name, "")))
        return Redirect("/login", status_code=303)

    return leave


def _login_id(runtime: Runtime[Settings], link: FromPath[str]) -> str | None:
    login_id, _, signed = link.partition(".")
    secret = runtime.settings.login_secret.get_secret_value()
    return login_id if is_signed(secret, login_id, signed) else None


def _cookie(settings: Settings, session_id: str) -> Cookie:
    return Cookie(
        key=cookie_name(settings),
        value=session_id,
        path="/",
        max_age=settings.session_seconds,
        secure=settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
