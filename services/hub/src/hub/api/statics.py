"""Our stylesheet and the pinned script, from our own origin."""

from typing import Final

from litestar import Response, get
from litestar.types import ControllerRouterHandler

from ..assets import stylesheet, vendored
from .documents import Unknown

_CACHE: Final = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}


def routes() -> list[ControllerRouterHandler]:
    """`/static/hub.css` and `/static/htmx.min.js`; pages work without the latter."""
    return [_stylesheet, _htmx]


@get("/static/hub.css", include_in_schema=False)
async def _stylesheet() -> Response[bytes]:
    return Response(stylesheet(), media_type="text/css", headers=_CACHE)


@get("/static/htmx.min.js", include_in_schema=False)
async def _htmx() -> Response[bytes]:
    script = vendored("htmx.min.js")
    if script is None:
        raise Unknown("htmx was not fetched at set-up; pages work without it.")
    return Response(script, media_type="text/javascript", headers=_CACHE)
