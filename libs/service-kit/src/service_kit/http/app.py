"""Makes a service's Litestar application: its routes, the kit's, problems, limits, spans."""

from collections.abc import Mapping, Sequence

from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import ControllerRouterHandler

from ..problems import answer_problem
from ..settings import KitSettings
from ..telemetry import Telemetry
from .bearers import components
from .operations import Internal, operations
from .requests import observed


def create_app(
    routes: Sequence[ControllerRouterHandler],
    *,
    settings: KitSettings,
    internal: Internal,
    telemetry: Telemetry,
    title: str = "Goodword",
    bearers: Mapping[str, str] | None = None,
) -> Litestar:
    """The application of one service. Every error in it is answered as a problem document.

    The OpenAPI document is at `/openapi.json`; there is no page that would load foreign assets.
    """
    app = Litestar(
        [*routes, *operations(settings, internal)],
        exception_handlers={Exception: answer_problem},
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title=title,
            version="1",
            path="/openapi.json",
            render_plugins=[JsonRenderPlugin(path="/")],
            components=components(bearers or {}),
        ),
        request_max_body_size=settings.request_max_bytes,
    )
    app.asgi_handler = observed(app.asgi_handler, telemetry)
    return app
