"""The API for operators and integrators under `/v1`, and the way out of mails for readers."""

from litestar import Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler
from service_kit.runtime import Runtime

from ..settings import Settings
from . import deliveries, endpoints, preferences, unsubscribe
from .gate import BEARERS, Gate, actor_of

__all__ = ["BEARERS", "routes"]


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """Every route; those under `/v1` have a guard each."""
    gate = Gate(runtime)
    handlers = [
        *endpoints.routes(runtime, gate),
        *deliveries.routes(runtime, gate),
        *preferences.routes(runtime, gate),
    ]
    guarded = Router("/v1", route_handlers=handlers, dependencies={"actor": Provide(actor_of)})
    return [guarded, *unsubscribe.routes(runtime)]
