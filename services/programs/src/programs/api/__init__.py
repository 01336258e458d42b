"""The admin API, all of it under `/v1`; every route has a guard."""

from litestar import Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler
from service_kit.runtime import Runtime

from ..handlers.desk import Desk
from ..settings import Settings
from . import catalogue, documents, keys, links, participants, people, pictures
from .gate import BEARERS, Gate, actor_of
from .office import Office

__all__ = ["BEARERS", "routes"]


def routes(runtime: Runtime[Settings], desk: Desk) -> list[ControllerRouterHandler]:
    """The control plane's routes."""
    office, gate = Office(runtime, desk), Gate(runtime, desk)
    rooms = (documents, catalogue, participants, links, pictures, keys, people)
    handlers = [handler for room in rooms for handler in room.routes(office, gate)]
    guarded = Router("/v1", route_handlers=handlers, dependencies={"actor": Provide(actor_of)})
    return [guarded]
