"""Links: issued, given to another participant, revoked."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response, get, post
from litestar.params import JSONBody, Parameter
from litestar.types import ControllerRouterHandler
from shared_schemas.events.programs import LinkIssued

from ..domain import Organisation, Role, State, Terms
from ..domain.change import Change
from ..domain.links import revoke_link
from ..domain.parts import Name
from ..domain.wanted import Link, NewLink
from ..store import loading, reading
from .gate import PLAIN, Admitted, Gate, PathId
from .office import Conflict, NotFound, Office
from .participants import After, Limit
from .views import LinkView, Reason, Request, link_view

_DRAWS = 4  # codes drawn for a request: all taken is less likely than a meteorite
Owner = Annotated[
    str | None, Parameter(max_length=200, pattern=PLAIN, description="only this participant's")
]


class RevokeRequest(Request):
    """Why a link redirects no longer."""

    reason: Reason


class ReassignRequest(Request):
    """Who owns a link from now on, and why."""

    participant: Name
    reason: Reason


def routes(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    """Reading and writing."""
    return [*_reads(office, gate), *_writes(office, gate), _revokes(office, gate)]


def _reads(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    @get("/links", **gate.needs(Role.READ), summary="Links by code, in pages")
    async def links(
        after: After = "", limit: Limit = 100, participant: Owner = None
    ) -> list[LinkView]:
        async with office.runtime.transaction() as tx:
            page = await reading.links_page(tx, after, limit, participant)
        return [link_view(one) for one in page]

    @get("/links/{code:str}", **gate.needs(Role.READ), summary="One link with its owners")
    async def link(code: PathId) -> LinkView:
        async with office.runtime.transaction() as tx:
            state = await loading.load(tx, loading.Wanted(codes=[code]))
        return link_view(_found(state, code))

    return [links, link]


def _writes(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    writing = gate.needs(Role.LINKS_WRITE)

    @post(
        "/links",
        **writing,
        summary="Issue a link",
        description="With a code of yours the same body again is answered alike; another one for a"
        " known code is a conflict. Without a code each request issues a link with a generated"
        " one, which no single typing error turns into another.",
    )
    async def issue(data: JSONBody[NewLink], actor: Admitted) -> Response[LinkView]:
        drawn = [office.desk.new_code() for _ in range(_DRAWS)]
        codes = drawn if data.code is None else [data.code]

        def document(state: State) -> Organisation:
            return Organisation(links=(data.named(_chosen(data.code, drawn, state)),))

        spellings = [*codes, *(code.replace("-", "") for code in codes)]
        loads = loading.Wanted(codes=spellings, participants=[data.participant])
        outcome = await office.amend(loads, document, actor, only_new=True)
        code = outcome.changes[0].id if outcome.changes else codes[0]
        shown = link_view(outcome.after.links[code])
        return Response(shown, status_code=201 if outcome.changes else 200)

    @post(
        "/links/{code:str}/reassign",
        status_code=200,
        **writing,
        summary="Give a link to another participant",
        description="Touches from now on are the new owner's; earlier ones stay.",
    )
    async def reassign(code: PathId, data: JSONBody[ReassignRequest], actor: Admitted) -> LinkView:
        def document(state: State) -> Organisation:
            known = _found(state, code)
            wanted = Link(
                code=code,
                program=known.program_id,
                market=known.market_id,
                participant=data.participant,
                destination=known.destination,
            )
            return Organisation(links=(wanted,))

        loads = loading.Wanted(codes=[code], participants=[data.participant])
        outcome = await office.amend(loads, document, actor, reason=data.reason)
        return link_view(outcome.after.links[code])

    return [issue, reassign]


def _revokes(office: Office, gate: Gate) -> ControllerRouterHandler:
    @post(
        "/links/{code:str}/revoke",
        status_code=200,
        **gate.needs(Role.LINKS_WRITE),
        summary="Revoke a link for ever",
        description="It redirects no longer; nothing changes when it is so already.",
    )
    async def revoke(code: PathId, data: JSONBody[RevokeRequest], actor: Admitted) -> LinkView:
        def decide(state: State, terms: Terms) -> list[Change]:
            decided = revoke_link(_found(state, code), terms)
            return [decided] if decided else []

        loads = loading.Wanted(codes=[code])
        outcome = await office.decide(loads, decide, actor, data.reason)
        return link_view(outcome.after.links[code])

    return revoke


def _chosen(wanted: str | None, drawn: Sequence[str], state: State) -> str:
    """The code that was asked for, else the first drawn one that nothing else is called."""
    if wanted is not None:
        return wanted
    for code in drawn:
        if state.links.keys().isdisjoint((code, code.replace("-", ""))):
            return code
    raise Conflict("Every code that was drawn is taken; ask again.")


def _found(state: State, code: str) -> LinkIssued:
    if code not in state.links:
        raise NotFound("There is no such link.")
    return state.links[code]
