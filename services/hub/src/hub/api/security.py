"""How programs are let in, as the OpenAPI document says it. Pages are not in the document."""

from typing import Final, TypedDict

from litestar import Controller, Litestar, Router
from litestar.openapi.spec import Components, Reference, SecurityRequirement, SecurityScheme
from litestar.types import Guard
from service_kit.http.operations import bearer_guard
from service_kit.runtime import Runtime

from ..settings import Settings

AS_OPERATOR: Final = "operatorToken"
_SCHEMES: Final[dict[str, SecurityScheme | Reference]] = {
    AS_OPERATOR: SecurityScheme(type="http", scheme="bearer", description="The operator token.")
}


class Opened(TypedDict):
    """What a guarded router is made with."""

    guards: list[Guard]
    security: list[SecurityRequirement]


def to_operators(runtime: Runtime[Settings]) -> Opened:
    """A guard and its scheme: 401 without the operator token."""
    token = runtime.settings.operator_token.get_secret_value()
    return {"guards": [bearer_guard(token)], "security": [{AS_OPERATOR: []}]}


class Schemes(Controller):
    """No routes: registering it declares the schemes in the application's document."""

    def __init__(self, owner: Router) -> None:
        super().__init__(owner)
        if isinstance(owner, Litestar) and owner.openapi_config is not None:
            owner.openapi_config.components = Components(security_schemes=_SCHEMES)
