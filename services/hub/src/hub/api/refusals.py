"""What a person or program is told when there is no page for them."""

from collections import defaultdict
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response, Router, route
from litestar.enums import HttpMethod
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler, Guard
from service_kit.http import Opened
from service_kit.problems import Rejected, answer_problem, problem_of

from .rendering import SECURITY_HEADERS, render

WANTED: Final = "gw_wanted"
_WANTED_SECONDS: Final = 1_800
_PAGES: Final = ("/conversions/", "/referrals/", "/participants/")
_MAX_PATH_CHARACTERS: Final = 500
METHODS: Final = tuple(method for method in HttpMethod if method is not HttpMethod.OPTIONS)


class LoginNeeded(Exception):
    """The page needs a session, and there is none."""


class Unknown(Rejected):
    """The hub has heard of no such thing, or it is not the reader's to see."""

    status = 404
    title = "The hub has heard of no such thing"


class Forged(Rejected):
    """The form did not come from our own page."""

    status = 403
    title = "This form is not from this page"


def pages(
    handlers: list[HTTPRouteHandler], *, guards: tuple[Guard, ...] = ()
) -> ControllerRouterHandler:
    """Handlers that answer people: with pages, whatever happens, that are safe to show."""
    return Router(
        "/",
        route_handlers=[*handlers, *_other_methods(handlers)],
        guards=list(guards),
        include_in_schema=False,
        response_headers=SECURITY_HEADERS,
        exception_handlers={LoginNeeded: _to_login, Exception: _to_page},
    )


def _other_methods(handlers: list[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """Refusals of all other methods: the framework's own would be documents, also for people."""
    known: dict[str, set[str]] = defaultdict(set)
    for handler in handlers:
        for path in handler.paths:
            known[path] |= handler.http_methods
    return [
        _not_allowed(path, allowed)
        for path, allowed in known.items()
        if len(allowed) < len(METHODS)
    ]


def _not_allowed(path: str, allowed: set[str]) -> HTTPRouteHandler:
    @route(path, http_method=[method for method in METHODS if method not in allowed])
    async def refuse() -> None:
        raise MethodNotAllowedException(headers={"Allow": ", ".join(sorted(allowed))})

    return refuse


def programs(
    path: str, handlers: list[ControllerRouterHandler], opened: Opened
) -> ControllerRouterHandler:
    """Handlers that answer programs: with JSON, whatever happens, that nobody keeps."""
    return Router(
        path,
        route_handlers=handlers,
        response_headers=SECURITY_HEADERS,
        exception_handlers={Exception: _to_problem},
        **opened,
    )


def wanted_page(request: Request[Any, Any, Any]) -> str:
    """Where somebody who has just logged in wanted to go: one of our own pages."""
    path = request.cookies.get(WANTED, "")
    return path if path.startswith(_PAGES) and path.isprintable() else "/"


def _to_login(request: Request[Any, Any, Any], _: LoginNeeded) -> Response[Any]:
    if request.headers.get("hx-request"):
        return Response(b"", status_code=204, headers={**SECURITY_HEADERS, "HX-Redirect": "/login"})
    if _is_program(request) and "json" in request.headers.get("accept", ""):
        return _to_problem(request, Rejected("Please log in.", status=401, title="Please log in"))
    answer = Redirect("/login", status_code=303, headers=SECURITY_HEADERS)
    path = request.scope["path"]
    if path.startswith(_PAGES) and path.isascii() and len(path) <= _MAX_PATH_CHARACTERS:
        answer.set_cookie(
            WANTED, path, max_age=_WANTED_SECONDS, path="/", httponly=True, samesite="lax"
        )
    return answer


def _to_page(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A refusal as a page for people, or as a problem document for programs."""
    if _is_program(request):
        return _to_problem(request, error)
    problem = problem_of(error)
    known = problem.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    kind = problem.status if known else 500 if problem.status >= 500 else 400
    answer = render(
        request, "error.html", status=problem.status, kind=kind, instance=problem.instance
    )
    answer.headers.update(problem.headers)
    return answer


def _to_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    answer = answer_problem(request, error)
    answer.headers.update(SECURITY_HEADERS)
    return answer


def _is_program(request: Request[Any, Any, Any]) -> bool:
    return "text/html" not in request.headers.get("accept", "")
