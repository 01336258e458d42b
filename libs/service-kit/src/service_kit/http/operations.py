"""The routes that every service has: health, metrics, and `/internal` for operators."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
import structlog
from litestar import MediaType, Response, Router, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from .. import metrics
from ..problems import Rejected
from ..settings import KitSettings
from .bearers import bearer_guard

log = structlog.stdlib.get_logger(__name__)
_CHECK_SECONDS: Final = 5
_MAX_LISTED: Final = 1_000

ParkedEvent = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Internal:
    """What the routes of this module ask of the service they stand before."""

    not_ready: Callable[[], Awaitable[Sequence[str]]]
    """The reasons not to send it work; none when it is ready."""
    status: Callable[[], Awaitable[Mapping[str, object]]]
    """Where it stands: instance, lag, rows to publish, waits, parked events, due work, tasks."""
    parked: Callable[[int], Awaitable[Sequence[ParkedEvent]]]
    """The parked events, at most so many."""
    parked_one: Callable[[str, str], Awaitable[ParkedEvent | None]]
    """One parked event, by source and id."""
    release: Callable[[str, str, str], Awaitable[Mapping[str, object]]]
    """Apply it after all: source, id, actor. Raises Rejected."""
    discard: Callable[[str, str, str], Awaitable[Mapping[str, object]]]
    """Give it up: source, id, actor. Raises Rejected."""


class ParkedEventUnknown(Rejected):
    """No such event is parked here."""

    status = 404
    title = "No such event is parked here"


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which parked event an operator decides about, and who that is."""

    source: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    actor: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


def operations(settings: KitSettings, internal: Internal) -> list[ControllerRouterHandler]:
    """The routes, open ones first; `/internal` asks for the operator token."""
    token = settings.operator_token.get_secret_value()
    guarded = Router(
        "/internal",
        route_handlers=[_status(internal), *_parking(internal)],
        guards=[bearer_guard(token)],
        include_in_schema=False,
    )
    return [_live, _ready(internal), _metrics, guarded]


@get("/health/live", include_in_schema=False)
async def _live() -> dict[str, bool]:
    return {"live": True}


def _ready(internal: Internal) -> ControllerRouterHandler:
    @get("/health/ready", include_in_schema=False)
    async def ready() -> Response[dict[str, object]]:
        reasons = await _reasons(internal)
        return Response(
            {"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200
        )

    return ready


async def _reasons(internal: Internal) -> list[str]:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return list(await internal.not_ready())
    except Exception as error:
        log.warning("readiness unknown", error=type(error).__qualname__, detail=str(error))
        return [f"readiness could not be told: {type(error).__qualname__}"]


@get("/metrics", include_in_schema=False, media_type=MediaType.TEXT)
async def _metrics() -> Response[bytes]:
    return Response(metrics.page(), media_type=metrics.CONTENT_TYPE)


def _status(internal: Internal) -> ControllerRouterHandler:
    @get("/status")
    async def status() -> dict[str, object]:
        return dict(await internal.status())

    return status


def _parking(internal: Internal) -> list[ControllerRouterHandler]:
    @get("/parked")
    async def parked(
        limit: Annotated[int, QueryParameter(ge=1, le=_MAX_LISTED)] = 100,
    ) -> list[ParkedEvent]:
        return list(await internal.parked(limit))

    @get("/parked/event")
    async def parked_one(
        source: FromQuery[str], event_id: Annotated[str, QueryParameter(name="id")]
    ) -> ParkedEvent:
        found = await internal.parked_one(source, event_id)
        if found is None:
            raise ParkedEventUnknown()
        return found

    @post("/parked/release", status_code=200)
    async def release(data: JSONBody[Verdict]) -> dict[str, object]:
        return dict(await internal.release(data.source, data.id, data.actor))

    @post("/parked/discard", status_code=200)
    async def discard(data: JSONBody[Verdict]) -> dict[str, object]:
        return dict(await internal.discard(data.source, data.id, data.actor))

    return [parked, parked_one, release, discard]
