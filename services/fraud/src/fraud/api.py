"""Reviewers' routes: what waits for them, why, and their word on it. Admin keys only."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import JSONBody, Parameter
from litestar.types import ControllerRouterHandler
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from service_kit.events import Cause
from service_kit.http import opened_by
from service_kit.problems import Rejected
from service_kit.runtime import Runtime
from service_kit.telemetry import current_traceparent
from shared_schemas.event import MAX_ID_CHARACTERS
from shared_schemas.events.fraud import Contribution
from shared_schemas.keys import KeyKind, api_key_hash
from shared_schemas.states import VerdictState

from .domain.verdict import Decision
from .handlers.judging import Word, judge_again
from .settings import Settings
from .store import tables, verdicts
from .store.verdicts import Told

SCOPE = "fraud.review"
ADMIN_KEY = "adminKey"
BEARERS = {ADMIN_KEY: "An admin key, `gw_ak_…`, with the scope named."}
MAX_ROWS = 200
_BETWEEN = "~"

Connection = ASGIConnection[Any, Any, Any, Any]
AnyRequest = Request[Any, Any, Any]
ConversionId = Annotated[
    str, Parameter(max_length=MAX_ID_CHARACTERS, description="The conversion's id.")
]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^@\x00]*$"),
]
Limit = Annotated[int, Parameter(ge=1, le=MAX_ROWS, description="At most so many rows.")]


class Forbidden(Rejected):
    """The key is known, but may not review."""

    status = 403
    title = "This admin key may not review"


class NoCredit(Rejected):
    """Nobody is credited for this conversion, or fraud has not heard of it."""

    status = 404
    title = "There is no verdict on this conversion"


class VerdictMoved(Rejected):
    """The verdict that was reviewed is not the one that stands."""

    status = 409
    title = "There is a newer verdict; look at it first"


class BadCursor(Rejected):
    """`after` is not what an earlier answer gave as `next`."""

    status = 422
    title = "This is not a place in the queue"


class ReviewRequest(BaseModel):
    """A reviewer's word."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: Decision
    reason: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^@\x00]*$"
        ),
    ] = Field(description="Why, in plain words. It is published: no names, no addresses (no @).")
    verdict_revision: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="The verdict that was looked at; 409 if it is not the latest.",
    )


class Verdict(BaseModel):
    """One verdict with its whole explanation."""

    conversion_id: str
    verdict_revision: int
    credit_revision: int
    state: VerdictState
    score: int = Field(description="the exact sum of the contributions' points")
    contributions: tuple[Contribution, ...]
    rules_version: str
    program_id: str
    program_version: int
    hold_score: int = Field(description="from this score on it is held")
    reject_score: int = Field(description="from this score on it is rejected")
    judged_at: AwareDatetime
    reviewer: str | None
    review_due_at: AwareDatetime | None
    next_step: str
    cause_source: str
    cause_id: str = Field(description="the event that it followed from, unique per cause_source")

    @classmethod
    def of(cls, told: Told) -> "Verdict":
        """The verdict as it is shown."""
        return cls.model_validate(told, from_attributes=True)


class Waiting(Verdict):
    """A verdict that waits for a review."""

    overdue: bool


class Queue(BaseModel):
    """What waits for a review, the longest waiting first."""

    reviews: tuple[Waiting, ...]
    next: str | None = Field(description="pass it as `after` for more")


class History(BaseModel):
    """Every verdict on a conversion, the latest first."""

    conversion_id: str
    verdicts: tuple[Verdict, ...]


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """Fraud's routes; every one asks for an admin key with the scope `fraud.review`."""
    pepper = runtime.settings.key_pepper.get_secret_value()

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        scheme, _, raw = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not raw.strip():
            raise _unauthorised("An admin key is needed: Authorization: Bearer gw_ak_…")
        async with runtime.transaction() as tx:
            key = await tables.key_by_hash(tx, api_key_hash(pepper, raw.strip()))
        if key is None or key.kind != KeyKind.ADMIN or not key.is_valid(runtime.now()):
            raise _unauthorised("This admin key is not known, revoked or has expired.")
        if SCOPE not in key.scopes or key.actor_id is None:
            raise Forbidden(f"This needs the scope {SCOPE}.")
        connection.state.actor = key.actor_id

    @get("/reviews", summary="What waits for a review, the longest waiting first")
    async def waiting(
        limit: Limit = 50,
        after: Annotated[str, Parameter(max_length=300, description="`next` of a page.")] = "",
    ) -> Queue:
        async with runtime.transaction() as tx:
            rows = await verdicts.queue(tx, _place_of(after) if after else None, limit)
        return _queue(rows, runtime.now(), limit)

    @get("/verdicts/{conversion_id:str}", summary="Every verdict on a conversion, with its reasons")
    async def history(conversion_id: ConversionId, limit: Limit = 50) -> History:
        async with runtime.transaction() as tx:
            rows = await verdicts.history(tx, conversion_id, limit)
        if not rows:
            raise NoCredit
        return History(conversion_id=conversion_id, verdicts=tuple(Verdict.of(row) for row in rows))

    @post("/reviews/{conversion_id:str}", status_code=200, summary="Clear or reject a credit")
    async def review(
        conversion_id: ConversionId, data: JSONBody[ReviewRequest], request: AnyRequest
    ) -> Verdict:
        return await _decide(runtime, conversion_id, data, str(request.state.actor))

    return [
        Router(
            "/v1",
            route_handlers=[waiting, history, review],
            tags=["reviews"],
            **opened_by(guard, ADMIN_KEY, scopes=(SCOPE,)),
        )
    ]


async def _decide(
    runtime: Runtime[Settings], conversion_id: str, data: ReviewRequest, actor: str
) -> Verdict:
    """The word is a fact of the credit: saying the same again changes nothing."""
    async with runtime.transaction() as tx:
        standing = (await verdicts.lock(tx, [conversion_id])).get(conversion_id)
        if standing is None or standing.state is None:
            raise NoCredit
        if data.verdict_revision not in (None, standing.verdict_revision):
            raise VerdictMoved(f"The latest verdict is {standing.verdict_revision}.")
        key = f"review/{conversion_id}/{standing.verdict_revision}"
        cause = Cause.of_request("fraud", key, runtime.now(), current_traceparent())
        word = Word(decision=data.decision, reviewer=actor, reason=data.reason)
        seconds = runtime.settings.review_seconds
        await judge_again(tx, {conversion_id: cause}, seconds, {conversion_id: word})
        return Verdict.of((await verdicts.history(tx, conversion_id, 1))[0])


def _queue(rows: list[Told], now: datetime, limit: int) -> Queue:
    reviews = tuple(
        Waiting(
            **Verdict.of(row).model_dump(),
            overdue=row.review_due_at is not None and row.review_due_at <= now,
        )
        for row in rows
    )
    return Queue(reviews=reviews, next=_cursor(rows[-1]) if len(rows) == limit else None)


def _cursor(row: Told) -> str:
    return f"{row.judged_at.isoformat()}{_BETWEEN}{row.conversion_id}"


def _place_of(cursor: str) -> tuple[datetime, str]:
    moment, between, conversion_id = cursor.partition(_BETWEEN)
    with suppress(ValueError, OverflowError):
        at = datetime.fromisoformat(moment)
        if between and at.tzinfo is not None:
            return at.astimezone(UTC), conversion_id
    raise BadCursor


def _unauthorised(detail: str) -> NotAuthorizedException:
    return NotAuthorizedException(detail, headers={"WWW-Authenticate": "Bearer"})
