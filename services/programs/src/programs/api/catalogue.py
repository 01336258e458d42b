"""Programs and markets: looked at, paused, resumed and ended."""

from litestar import get, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from ..domain import Role, State, Terms
from ..domain.change import Change
from ..domain.programs import decide_status
from ..domain.state import Status
from ..store import loading
from .gate import Admitted, Gate, PathId
from .office import NotFound, Office
from .views import MarketView, ProgramView, Reason, Request, program_view


class StatusRequest(Request):
    """Why a program's status changes; it is kept in the audit trail."""

    reason: Reason


def routes(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    """Reading, and the three changes of status."""
    return [
        *_reads(office, gate),
        _changes_status(
            office, gate, "pause", "paused", "Links redirect, conversions earn nothing."
        ),
        _changes_status(office, gate, "resume", "active", "Conversions earn from now on."),
        _changes_status(office, gate, "end", "ended", "As paused, for ever."),
    ]


def _reads(office: Office, gate: Gate) -> list[ControllerRouterHandler]:
    reading = gate.needs(Role.READ)

    @get("/markets", **reading, summary="All markets with their policy versions")
    async def markets() -> list[MarketView]:
        async with office.runtime.transaction() as tx:
            found = await loading.markets(tx)
        return [MarketView(id=id_, versions=list(versions)) for id_, versions in found.items()]

    @get("/markets/{market_id:str}", **reading, summary="One market")
    async def market(market_id: PathId) -> MarketView:
        async with office.runtime.transaction() as tx:
            found = await loading.markets(tx)
        if market_id not in found:
            raise NotFound("There is no such market.")
        return MarketView(id=market_id, versions=list(found[market_id]))

    @get("/programs", **reading, summary="All programs with their versions")
    async def programs() -> list[ProgramView]:
        async with office.runtime.transaction() as tx:
            found = await loading.programs(tx)
        return [program_view(program_id, program) for program_id, program in found.items()]

    @get("/programs/{program_id:str}", **reading, summary="One program")
    async def program(program_id: PathId) -> ProgramView:
        async with office.runtime.transaction() as tx:
            found = await loading.programs(tx)
        if program_id not in found:
            raise NotFound("There is no such program.")
        return program_view(program_id, found[program_id])

    return [markets, market, programs, program]


def _changes_status(
    office: Office, gate: Gate, verb: str, status: Status, about: str
) -> ControllerRouterHandler:
    @post(
        f"/programs/{{program_id:str}}/{verb}",
        status_code=200,
        **gate.needs(Role.PROGRAMS_WRITE),
        summary=f"{verb.capitalize()} a program",
        description=f"{about} Nothing changes when it is so already.",
        operation_id=f"{verb}_program",
    )
    async def change(
        program_id: PathId, data: JSONBody[StatusRequest], actor: Admitted
    ) -> ProgramView:
        def decide(state: State, terms: Terms) -> list[Change]:
            if program_id not in state.programs:
                raise NotFound("There is no such program.")
            decided = decide_status(program_id, state.programs[program_id], status, terms)
            return [decided] if decided else []

        outcome = await office.decide(loading.Wanted(), decide, actor, data.reason)
        return program_view(program_id, outcome.after.programs[program_id])

    return change
