"""The hub's routes: pages and sessions, their JSON twin, the sink for spans."""

from litestar.types import ControllerRouterHandler
from service_kit.runtime import Runtime

from ..settings import Settings
from . import documents, otlp, pages, sessions, statics


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """Everything under the hub's address."""
    return [
        *pages.routes(runtime),
        *sessions.routes(runtime),
        *documents.routes(runtime),
        *otlp.routes(runtime),
        *statics.routes(),
    ]
