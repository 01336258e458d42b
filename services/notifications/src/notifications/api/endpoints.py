"""Webhook endpoints: made, listed, ended. The signing secret is in the first answer only."""

from datetime import datetime
from typing import Annotated
from uuid import uuid4

from litestar import delete, get, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, Field
from service_kit.problems import Rejected
from service_kit.runtime import Runtime

from ..domain.targets import TargetRefused, check_url
from ..handlers import REWARDS
from ..handlers.subscribing import disable
from ..settings import Settings
from ..store import endpoints as store
from ..store.endpoints import Endpoint
from ..store.vault import Vault, new_secret
from .gate import READ, WEBHOOKS_WRITE, Admitted, Body, Gate, Limit, NotFound, PathId, QueryId

EVENT_TYPES = tuple(model.TYPE for model in REWARDS)


class BadEndpoint(Rejected):
    """The endpoint cannot be as asked."""

    status = 422
    title = "This endpoint cannot be"


class NewEndpoint(Body):
    """Where webhooks shall go, and about what; no event types means all of them."""

    url: Annotated[str, Field(min_length=1, max_length=2_000)]
    event_types: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    description: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = ""


class EndpointView(BaseModel):
    """An endpoint, without its secret."""

    endpoint_id: str
    url: str
    event_types: tuple[str, ...]
    description: str
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    disabled_reason: str | None


class CreatedEndpoint(EndpointView):
    """A new endpoint and the secret with which its webhooks are signed, shown once."""

    secret: str


def routes(runtime: Runtime[Settings], gate: Gate) -> list[ControllerRouterHandler]:
    """Making, listing and ending endpoints."""
    return [_create(runtime, gate), _list(runtime, gate), _end(runtime, gate)]


def _create(runtime: Runtime[Settings], gate: Gate) -> ControllerRouterHandler:
    vault = Vault(runtime.settings.master_key.get_secret_value())
    allow_loopback = runtime.settings.webhook_allow_loopback

    @post(
        "/endpoints",
        **gate.needs(WEBHOOKS_WRITE),
        summary="Make a webhook endpoint",
        description="Webhooks follow Standard Webhooks 1.0. The secret is in this answer only.",
    )
    async def create(data: JSONBody[NewEndpoint], actor: Admitted) -> CreatedEndpoint:
        _check(data, allow_loopback=allow_loopback)
        secret = new_secret()
        endpoint = Endpoint(
            endpoint_id=str(uuid4()),
            url=data.url,
            event_types=data.event_types,
            description=data.description,
            secret=vault.lock(secret),
            created_at=runtime.now(),
            created_by=actor,
        )
        async with runtime.transaction() as tx:
            await store.add_endpoint(tx, endpoint)
        return CreatedEndpoint(**_shown(endpoint).model_dump(), secret=secret)

    return create


def _list(runtime: Runtime[Settings], gate: Gate) -> ControllerRouterHandler:
    @get("/endpoints", **gate.needs(READ), summary="Webhook endpoints by id, in pages")
    async def listed(after: QueryId = "", limit: Limit = 100) -> list[EndpointView]:
        async with runtime.transaction() as tx:
            return [_shown(one) for one in await store.endpoints(tx, after, limit)]

    return listed


def _end(runtime: Runtime[Settings], gate: Gate) -> ControllerRouterHandler:
    @delete(
        "/endpoints/{endpoint_id:str}",
        **gate.needs(WEBHOOKS_WRITE),
        summary="End a webhook endpoint",
        description="Its webhooks that are still due fail. Ending it again changes nothing.",
    )
    async def end(endpoint_id: PathId, actor: Admitted) -> None:
        async with runtime.transaction() as tx:
            if not await store.endpoints_by_id(tx, [endpoint_id]):
                raise NotFound("There is no such endpoint.")
            await disable(tx, [endpoint_id], f"ended by {actor}", runtime.now())

    return end


def _check(asked: NewEndpoint, *, allow_loopback: bool) -> None:
    try:
        check_url(asked.url, allow_loopback=allow_loopback)
    except TargetRefused as error:
        raise BadEndpoint(fields={"url": str(error)}) from None
    if unknown := sorted(set(asked.event_types) - set(EVENT_TYPES)):
        raise BadEndpoint(
            fields={"event_types": f"not among {', '.join(EVENT_TYPES)}: {len(unknown)} of them"}
        )


def _shown(endpoint: Endpoint) -> EndpointView:
    return EndpointView.model_validate(endpoint, from_attributes=True)
