"""The hub's routes: pages and sessions, their JSON twin, the sink for spans."""

from litestar import route
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from service_kit.runtime import Runtime

from ..settings import Settings
from . import documents, journeys, lists, otlp, sessions, statics
from .refusals import METHODS, Unknown, pages

__all__ = ["routes"]


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """Everything under the hub's address."""
    return [
        pages([*lists.routes(runtime), *journeys.routes(runtime), *statics.routes(), _elsewhere]),
        *sessions.routes(runtime),
        *documents.routes(runtime),
        *otlp.routes(runtime),
    ]


@route("/{elsewhere:path}", http_method=METHODS)
async def _elsewhere(elsewhere: FromPath[str]) -> None:
    """Whatever else is asked for: a page for people, a problem document for programs."""
    raise Unknown("There is nothing at this address.")
