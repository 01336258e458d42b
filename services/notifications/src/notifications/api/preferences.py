"""How often somebody wants mail, said by an operator for them."""

from typing import Annotated

from litestar import post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, Field
from service_kit.events import Cause
from service_kit.runtime import Runtime
from service_kit.telemetry import current_traceparent

from ..domain.delivery import Preference
from ..settings import Settings
from ..store.preferences import change_preference
from .gate import PREFERENCES_WRITE, Body, Gate


class Wish(Body):
    """Each message, a digest at 08:00, or none."""

    subject: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
    email: Preference


class WishView(BaseModel):
    """What holds now, and whether that is new."""

    subject: str
    email: Preference
    changed: bool


def routes(runtime: Runtime[Settings], gate: Gate) -> list[ControllerRouterHandler]:
    """Changing a preference."""

    @post(
        "/preferences",
        status_code=200,
        **gate.needs(PREFERENCES_WRITE),
        summary="Say how often somebody wants mail",
        description="In-app messages, webhooks and login links do not change.",
    )
    async def wish(data: JSONBody[Wish]) -> WishView:
        changed = await prefer(runtime, data.subject, data.email)
        return WishView(subject=data.subject, email=data.email, changed=changed)

    return [wish]


async def prefer(runtime: Runtime[Settings], subject: str, email: Preference) -> bool:
    """Keep a preference and publish it; False if it was so already."""
    now = runtime.now()
    async with runtime.transaction() as tx:
        changed = await change_preference(tx, subject, email, now)
        if changed is None:
            return False
        key = f"preference/{subject}/{changed.revision}"
        cause = Cause.of_request("notifications", key, now, current_traceparent())
        tx.emit(changed, cause=cause, subject=subject)
    return True
