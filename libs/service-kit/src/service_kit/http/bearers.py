"""Bearer tokens: what opens a route, and how the OpenAPI document says so."""

from collections.abc import Mapping
from typing import TypedDict

from litestar.openapi.spec import Components, SecurityRequirement, SecurityScheme
from litestar.types import Guard


class Opened(TypedDict):
    """What a guarded route or router is made with, guard and scheme together: `**Opened`."""

    guards: list[Guard]
    security: list[SecurityRequirement]


def opened_by(guard: Guard, *bearers: str, scopes: tuple[str, ...] = ()) -> Opened:
    """A guard that lets any of these bearers in; `scopes` are asked of the first alone."""
    first, *others = bearers
    security: list[SecurityRequirement] = [{first: list(scopes)}]
    security += [{name: []} for name in others]
    return {"guards": [guard], "security": security}


def components(bearers: Mapping[str, str]) -> Components:
    """A service's bearers, by name with their descriptions, as the document declares them."""
    return Components(
        security_schemes={
            name: SecurityScheme(type="http", scheme="bearer", description=description)
            for name, description in bearers.items()
        }
    )
