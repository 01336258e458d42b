"""Tracking's HTTP edge: links that people follow, messages and reports that clients send."""

from litestar.types import ControllerRouterHandler

from .door import Door
from .ingest import ingest_routes
from .redirect import redirect_routes
from .reports import report_routes


def routes_of(door: Door) -> list[ControllerRouterHandler]:
    """All routes of the service."""
    return [*redirect_routes(door), ingest_routes(door), report_routes(door)]
