"""Bearer tokens: what opens a route, and how the OpenAPI document says so."""

import hmac
from collections.abc import Mapping
from typing import Any, Final, TypedDict

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.spec import Components, SecurityRequirement, SecurityScheme
from litestar.types import Guard

from ..settings import KitSettings

AS_OPERATOR: Final = "operatorToken"
OPERATORS: Final = {AS_OPERATOR: "The operator token."}
"""The bearers of a service that only operators ask."""


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


def to_operators(settings: KitSettings) -> Opened:
    """A guard and its scheme: 401 without the operator token."""
    return opened_by(bearer_guard(settings.operator_token.get_secret_value()), AS_OPERATOR)


def bearer_guard(token: str) -> Guard:
    """A Litestar guard: 401 unless the request carries this bearer token."""
    expected = f"Bearer {token}".encode()

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        given = connection.headers.get("authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, expected):
            raise NotAuthorizedException(
                "An operator token is needed.", headers={"WWW-Authenticate": "Bearer"}
            )

    return guard
