"""What became of each message, for whoever asks why somebody heard nothing."""

from datetime import datetime

from litestar import get, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel
from service_kit.problems import Rejected
from service_kit.runtime import Runtime
from shared_schemas.states import MessageState
from shared_schemas.words import Channel

from ..domain.delivery import Outcome
from ..handlers.concluding import conclude
from ..settings import Settings
from ..store import deliveries as store
from ..store import history
from .gate import PREFERENCES_WRITE, READ, Admitted, Body, Gate, Limit, NotFound, PathId, QueryId


class NotUnknown(Rejected):
    """Only a message of which nobody knows whether it was sent can be decided by an operator."""

    status = 409
    title = "This delivery is not unknown"


class WhoseMissing(Rejected):
    """The list is asked for by a subject or a reward."""

    status = 422
    title = "Say whose deliveries"


class Decision(Body):
    """What an operator found out about a message that was unknown."""

    was_sent: bool


class DeliveryView(BaseModel):
    """One delivery as it stands."""

    delivery_id: str
    revision: int
    state: MessageState
    subject: str
    channel: Channel
    template: str
    event_id: str
    reward_id: str | None
    conversion_id: str | None
    language: str | None
    endpoint_id: str | None
    attempts: int
    next_attempt_at: datetime
    expires_at: datetime
    digest_at: datetime | None
    digest_id: str | None
    reason: str
    created_at: datetime
    changed_at: datetime


def routes(runtime: Runtime[Settings], gate: Gate) -> list[ControllerRouterHandler]:
    """Listing, and deciding about unknown ones."""
    return [_list(runtime, gate), _decide(runtime, gate)]


def _list(runtime: Runtime[Settings], gate: Gate) -> ControllerRouterHandler:
    @get(
        "/deliveries",
        **gate.needs(READ),
        summary="Deliveries to a subject, or about a reward; the newest first",
    )
    async def listed(
        subject: QueryId = "", reward_id: QueryId = "", limit: Limit = 100
    ) -> list[DeliveryView]:
        if bool(subject) == bool(reward_id):
            raise WhoseMissing("Give either subject or reward_id.")
        async with runtime.transaction() as tx:
            found = await history.deliveries(tx, subject, reward_id, limit)
        return [DeliveryView.model_validate(one, from_attributes=True) for one in found]

    return listed


def _decide(runtime: Runtime[Settings], gate: Gate) -> ControllerRouterHandler:
    @post(
        "/deliveries/{delivery_id:str}/decide",
        status_code=200,
        **gate.needs(PREFERENCES_WRITE),
        summary="Say whether an unknown message was sent",
        description="It is never sent again by this: it becomes sent, or failed.",
    )
    async def decide(
        delivery_id: PathId, data: JSONBody[Decision], actor: Admitted
    ) -> DeliveryView:
        state = MessageState.SENT if data.was_sent else MessageState.FAILED
        outcome = Outcome(state, f"decided by {actor}", tried=False)
        async with runtime.transaction() as tx:
            locked = await store.lock_claimed(tx, [delivery_id])
            mine = [one for one, _ in locked if one.delivery_id == delivery_id]
            if not mine and not await history.is_known(tx, delivery_id):
                raise NotFound("There is no such delivery.")
            if not mine or mine[0].state is not MessageState.UNKNOWN:
                raise NotUnknown()
            changed = await conclude(tx, locked, {delivery_id: outcome}, runtime.now())
        (decided,) = [one for one in changed if one.delivery_id == delivery_id]
        return DeliveryView.model_validate(decided, from_attributes=True)

    return decide
