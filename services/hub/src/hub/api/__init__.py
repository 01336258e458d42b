"""The hub's routes: pages and sessions, their JSON twin, the sink for spans."""

from litestar import get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from service_kit.runtime import Runtime

from ..settings import Settings
from . import documents, journeys, lists, otlp, sessions, statics
from .refusals import Unknown, pages


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """Everything under the hub's address."""
    return [
        pages([*lists.routes(runtime), *journeys.routes(runtime), *statics.routes(), _elsewhere]),
        *sessions.routes(runtime),
        *documents.routes(runtime),
        *otlp.routes(runtime),
    ]


@get("/{elsewhere:path}")
async def _elsewhere(elsewhere: FromPath[str]) -> None:
    """Whatever else is asked for: a page for people, a problem document for programs."""
    raise Unknown("There is nothing at this address.")
