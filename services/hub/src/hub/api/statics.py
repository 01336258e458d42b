"""Our stylesheet and icon, and the pinned script, from our own origin."""

from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from ..assets import MEDIA_TYPES, content_of, version_of
from .refusals import Unknown

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_BRIEFLY: Final = "public, max-age=60"


def routes() -> list[HTTPRouteHandler]:
    """`/static/<name>?v=<version>`; what carries its own version may be kept for ever."""
    return [_static]


@get("/static/{name:str}")
async def _static(name: FromPath[str], v: FromQuery[str] = "") -> Response[bytes]:
    content = content_of(name)
    if content is None:
        raise Unknown("There is no such file.")
    kept = _FOR_EVER if v == version_of(name) else _BRIEFLY
    return Response(content, media_type=MEDIA_TYPES[name], headers={"Cache-Control": kept})
