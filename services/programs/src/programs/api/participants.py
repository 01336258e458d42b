"""Participants: enrolled, changed, deactivated. Their history is kept, dated."""

from collections.abc import Mapping
from typing import Annotated

from litestar import Response, get, patch, post
from litestar.params import JSONBody, Parameter
from litestar.types import ControllerRouterHandler
from pydantic import Field
from shared_schemas.events.programs import Language
from shared_schemas.words import Group

from ..domain import Organisation, ParticipantState, Role, State
from ..domain.organisation import Participant
from ..domain.parts import Label, Name, OutsideId
from ..store import loading, reading
from .gate import PLAIN, Actor, Admitted, Gate, PathId
from .office import NotFound, Office
from .views import ParticipantView, Reason, Request, participant_view

Limit = Annotated[int, Parameter(ge=1, le=500, description="how many at most")]
After = Annotated[
    str, Parameter(max_length=200, pattern=PLAIN, description="the last id of the page before")
]


class ParticipantPatch(Request):
    """What is to change; what is left out stays."""

    group: Group | None = None
    market: Name | None = None
    tier: Name | None = None
    language: Language | None = None
    customer_id: OutsideId | None = None
    account_id: OutsideId | None = None
    email: str | None = Field(None, max_length=300, repr=False)
    name: Label | None = Field(None, repr=False)
    active: bool | None = None
    reason: Reason | None = None


class DeactivateRequest(Request):
    """Why somebody earns no longer."""

    reason: Reason


def routes(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    """Reading and writing."""
    return [*_reads(office, gate), *_writes(office, gate)]


def _reads(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    @get("/participants", **gate.needs(Role.READ), summary="Participants by id, in pages")
    async def participants(after: After = "", limit: Limit = 100) -> list[ParticipantView]:
        async with office.runtime.transaction() as tx:
            return [
                participant_view(one) for one in await reading.participants_page(tx, after, limit)
            ]

    @get("/participants/{participant_id:str}", **gate.needs(Role.READ), summary="One of them")
    async def participant(participant_id: PathId) -> ParticipantView:
        async with office.runtime.transaction() as tx:
            state = await loading.load(tx, loading.Wanted(participants=[participant_id]))
        return participant_view(_found(state, participant_id).data)

    return [participants, participant]


def _writes(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    writing = gate.needs(Role.PARTICIPANTS_WRITE)

    @post(
        "/participants",
        **writing,
        summary="Enrol a participant",
        description="E-mail and name are sealed at once. The same body again is answered alike;"
        " another body under a known id is a conflict.",
    )
    async def enrol(data: JSONBody[Participant], actor: Admitted) -> Response[ParticipantView]:
        wanted = Organisation(participants=(data,))
        outcome = await office.apply(wanted, actor, only_new=True)
        shown = participant_view(outcome.after.participants[data.id].data)
        return Response(shown, status_code=201 if outcome.changes else 200)

    @patch(
        "/participants/{participant_id:str}",
        **writing,
        summary="Change a participant",
        description="Another group, tier, market or status begins a new period of its history.",
    )
    async def change(
        participant_id: PathId, data: JSONBody[ParticipantPatch], actor: Admitted
    ) -> ParticipantView:
        given = data.model_dump(exclude_unset=True, exclude={"reason"})
        return await _amend(office, participant_id, given, actor, data.reason or "")

    @post(
        "/participants/{participant_id:str}/deactivate",
        status_code=200,
        **writing,
        summary="Deactivate a participant",
        description="What occurs from now on earns nothing; pending rewards run on.",
    )
    async def deactivate(
        participant_id: PathId, data: JSONBody[DeactivateRequest], actor: Admitted
    ) -> ParticipantView:
        return await _amend(office, participant_id, {"active": False}, actor, data.reason)

    return [enrol, change, deactivate]


async def _amend(
    office: Office, participant_id: str, given: Mapping[str, object], actor: Actor, reason: str
) -> ParticipantView:
    def document(state: State) -> Organisation:
        known = _found(state, participant_id)
        wanted = Participant.model_validate({**_present(known), **given})
        return Organisation(participants=(wanted,))

    loads = loading.Wanted(participants=[participant_id])
    outcome = await office.amend(loads, document, actor, reason=reason)
    return participant_view(outcome.after.participants[participant_id].data)


def _found(state: State, participant_id: str) -> ParticipantState:
    if participant_id not in state.participants:
        raise NotFound("There is no such participant.")
    return state.participants[participant_id]


def _present(known: ParticipantState) -> dict[str, object]:
    now = known.data.history[-1]
    return {
        "id": known.data.participant_id,
        "group": now.group,
        "market": now.market_id,
        "tier": now.tier,
        "language": known.data.language,
        "customer_id": known.data.customer_id,
        "account_id": known.data.account_id,
    }
