"""The pages. Participants see their own only; what is not theirs is as if it were not there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from litestar import Request, Response, Router, get
from litestar.params import FromQuery, Parameter, QueryParameter
from litestar.types import ControllerRouterHandler
from service_kit.problems import Rejected
from service_kit.runtime import Runtime
from shared_schemas.event import MAX_ID_CHARACTERS
from shared_schemas.states import ConversionState

from ..domain.journey import journey, totals
from ..domain.logins import Role
from ..settings import Settings
from ..store import reading
from .documents import Unknown
from .rendering import render
from .sessions import LoginNeeded, current, to_login, to_problem_page
from .traces import waterfalls

ROWS: Final = 50
PAID: Final = frozenset(("fulfilled", "approved", "fulfilling"))

Id = Annotated[str, Parameter(max_length=MAX_ID_CHARACTERS)]
Text = Annotated[str | None, QueryParameter(max_length=MAX_ID_CHARACTERS)]
InState = Annotated[str | None, QueryParameter(name="state", max_length=MAX_ID_CHARACTERS)]


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """Every page that needs a session."""
    handlers = [
        _conversions(runtime),
        _conversion(runtime),
        _referrals(runtime),
        _referral(runtime),
        _participant(runtime),
        _parked(runtime),
    ]
    return [
        Router(
            "/",
            route_handlers=handlers,
            include_in_schema=False,
            exception_handlers={LoginNeeded: to_login, Rejected: to_problem_page},
        )
    ]


def _conversions(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @get("/")
    async def conversions(
        request: Request[Any, Any, Any],
        participant: Text = None,
        in_state: InState = None,
        before_at: FromQuery[datetime | None] = None,
        before_id: Text = None,
    ) -> Response[str]:
        session = await current(request, runtime)
        before = (before_at, before_id or "") if before_at else None
        async with runtime.transaction() as tx:
            rows = await reading.latest(
                tx,
                "conversion",
                participant_id=session.only or participant or None,
                state=in_state or None,
                before=before,
                limit=ROWS + 1,
            )
            counts = await reading.counts(tx, None) if session.role is Role.OPERATOR else {}
        chosen = {"participant": participant or "", "state": in_state or ""}
        return render(
            request,
            "conversions.html",
            session=session,
            rows=rows[:ROWS],
            counts=counts,
            states=[one.value for one in ConversionState],
            older=_older(rows, chosen),
            participant=chosen["participant"],
            state=chosen["state"],
        )

    return conversions


def _older(rows: Sequence[reading.Document], chosen: dict[str, str]) -> str | None:
    if len(rows) <= ROWS:
        return None
    last = rows[ROWS - 1]
    place = {"before_at": last["at"].isoformat(), "before_id": last["id"]}
    return urlencode({**{name: value for name, value in chosen.items() if value}, **place})


def _conversion(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @get("/conversions/{conversion_id:str}")
    async def conversion(request: Request[Any, Any, Any], conversion_id: Id) -> Response[str]:
        session = await current(request, runtime)
        async with runtime.transaction() as tx:
            documents = await reading.of_conversion(tx, conversion_id)
            people = [person for row in documents for person in row["participant_ids"]]
            told = journey(documents)
            if told is None or not session.may_see(tuple(people)):
                raise Unknown("There is no such conversion, or it is not yours to see.")
            history = await reading.history(tx, conversion_id)
            traces = await waterfalls(tx, history)
        stopped = told.stopped_at
        return render(
            request,
            "journey.html",
            session=session,
            conversion=told.conversion,
            stages=told.stages,
            stopped=stopped,
            stopped_number=told.stages.index(stopped) + 1 if stopped else 0,
            paid=any(s.name == "reward" and s.state in PAID for s in told.stages),
            history=history,
            traces=traces,
        )

    return conversion


def _referrals(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @get("/referrals")
    async def referrals(request: Request[Any, Any, Any], participant: Text = None) -> Response[str]:
        session = await current(request, runtime)
        whose = session.only or participant or None
        async with runtime.transaction() as tx:
            rows = await reading.latest(tx, "referral", participant_id=whose, limit=ROWS)
        return render(request, "referrals.html", session=session, rows=rows)

    return referrals


def _referral(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @get("/referrals/{referral_id:str}")
    async def referral(request: Request[Any, Any, Any], referral_id: Id) -> Response[str]:
        session = await current(request, runtime)
        async with runtime.transaction() as tx:
            found = await reading.one(tx, "referral", referral_id)
        if found is None or not session.may_see((found["body"]["participant_id"],)):
            raise Unknown("There is no such referral, or it is not yours to see.")
        return render(request, "referral.html", session=session, referral=found["body"])

    return referral


def _participant(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @get("/participants/{participant_id:str}")
    async def participant(request: Request[Any, Any, Any], participant_id: Id) -> Response[str]:
        session = await current(request, runtime)
        if not session.may_see((participant_id,)):
            raise Unknown("There is no such participant, or it is not you.")
        async with runtime.transaction() as tx:
            rows = await reading.latest(tx, "reward", participant_id=participant_id, limit=ROWS)
        earned = [row["body"] for row in rows if row["body"]["beneficiary_id"] == participant_id]
        return render(
            request,
            "participant.html",
            session=session,
            participant_id=participant_id,
            rows=rows,
            totals=totals(earned),
        )

    return participant


def _parked(runtime: Runtime[Settings]) -> ControllerRouterHandler:
    @get("/parked")
    async def parked(request: Request[Any, Any, Any]) -> Response[str]:
        session = await current(request, runtime)
        if session.role is not Role.OPERATOR:
            raise Unknown("This page is for operators.")
        async with runtime.transaction() as tx:
            rows = await reading.latest(tx, "parked", limit=ROWS)
        return render(request, "parked.html", session=session, rows=rows)

    return parked
