"""How the routes are opened, as the OpenAPI document says it: beside each guard, its scheme."""

from typing import Final, TypedDict

from litestar import Controller, Litestar, Router
from litestar.openapi.spec import Components, Reference, SecurityRequirement, SecurityScheme
from litestar.types import Guard

ADMIN_KEY: Final = "adminKey"
_SCHEMES: Final[dict[str, SecurityScheme | Reference]] = {
    ADMIN_KEY: SecurityScheme(
        type="http", scheme="bearer", description="An admin key, `gw_ak_…`, with the roles named."
    ),
}


class Opened(TypedDict):
    """What a guarded route is made with: `@get("/partners", **needs(runtime, READ))`."""

    guards: list[Guard]
    security: list[SecurityRequirement]


class Schemes(Controller):
    """No routes: registering it declares the schemes in the application's document."""

    def __init__(self, owner: Router) -> None:
        super().__init__(owner)
        if isinstance(owner, Litestar) and owner.openapi_config is not None:
            owner.openapi_config.components = Components(security_schemes=_SCHEMES)
