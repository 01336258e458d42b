"""The partners' API, all of it under `/v1`; every route has a guard."""

from litestar import Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler
from service_kit.runtime import Runtime

from ..settings import Settings
from . import accounts, partnerships
from .gate import BEARERS, actor_of

__all__ = ["BEARERS", "routes"]


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """The service's routes."""
    handlers = [*partnerships.routes(runtime), *accounts.routes(runtime)]
    guarded = Router("/v1", route_handlers=handlers, dependencies={"actor": Provide(actor_of)})
    return [guarded]
