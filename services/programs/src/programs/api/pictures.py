"""A link's QR code, as SVG for print and as PNG for everything else."""

from collections.abc import Callable
from typing import Annotated

from litestar import Response, get
from litestar.params import Parameter
from litestar.types import ControllerRouterHandler
from shared_schemas.states import LinkState

from ..domain import Role
from ..domain.qr_codes import (
    MAX_BORDER,
    MAX_PIXELS,
    MIN_PIXELS,
    Drawing,
    Repair,
    TooSmall,
    png,
    svg,
)
from ..store import loading
from .gate import Gate, PathId
from .office import Conflict, Invalid, NotFound, Office

Pixels = Annotated[
    int, Parameter(ge=MIN_PIXELS, le=MAX_PIXELS, description="pixels a side; PNG: at most so many")
]
Border = Annotated[
    int, Parameter(ge=0, le=MAX_BORDER, description="modules left white around it; readers want 4")
]
Damage = Annotated[
    Repair, Parameter(description="how much damage it survives: L 7 %, M 15 %, Q 25 %, H 30 %")
]
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=3600",
}
Draw = Callable[[str, Drawing], bytes]


def routes(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    """Both kinds of picture."""
    return [
        _picture(office, gate, "svg", "image/svg+xml", svg),
        _picture(office, gate, "png", "image/png", png),
    ]


def _picture(
    office: Office, gate: Gate, kind: str, media_type: str, draw: Draw
) -> ControllerRouterHandler:
    @get(
        f"/links/{{code:str}}/qr.{kind}",
        **gate.needs(Role.READ),
        media_type=media_type,
        summary=f"A link's QR code as {kind.upper()}",
        description="It leads to GOODWORD_LINK_URL. A link that is over has none.",
        operation_id=f"link_qr_{kind}",
    )
    async def picture(
        code: PathId, size: Pixels = 512, border: Border = 4, repair: Damage = Repair.MEDIUM
    ) -> Response[bytes]:
        address = await _address(office, code)
        try:
            drawn = draw(address, Drawing(pixels=size, border=border, repair=repair))
        except TooSmall as refused:
            raise Invalid(str(refused), fields={"size": str(refused)}) from None
        return Response(drawn, media_type=media_type, headers=_HEADERS)

    return picture


async def _address(office: Office, code: str) -> str:
    async with office.runtime.transaction() as tx:
        state = await loading.load(tx, loading.Wanted(codes=[code]))
    link = state.links.get(code)
    if link is None:
        raise NotFound("There is no such link.")
    if link.state is not LinkState.ACTIVE:
        raise Conflict(f"The link is {link.state}; nobody should print it any more.")
    where = office.runtime.settings.link_url
    if where is None:
        raise Conflict("GOODWORD_LINK_URL is not set: where people follow links is not known here.")
    return f"{where}/r/{code}"
