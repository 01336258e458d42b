"""The pages that list: conversions, referrals, parked events. Participants see their own only."""

from datetime import timedelta
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from service_kit.runtime import Runtime
from shared_schemas.states import ConversionState, ParkedState, ReferralStage

from ..domain.logins import Session
from ..settings import Settings
from ..store import reading
from ..store.reading import Wanted
from .refusals import Unknown
from .rendering import render
from .sessions import current
from .telling import ROWS, At, InState, Text, before, older, tell

COUNTED_DAYS: Final = 30


def routes(runtime: Runtime[Settings]) -> list[HTTPRouteHandler]:
    """`/`, `/referrals`, `/parked`."""
    return [_conversions(runtime), _referrals(runtime), _parked(runtime)]


def _conversions(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @get("/")
    async def conversions(
        request: Request[Any, Any, Any],
        participant: Text = None,
        in_state: InState = None,
        before_at: At = None,
        before_id: Text = None,
    ) -> Response[str]:
        session = await current(request, runtime)
        people, place = _people(session, participant), before(before_at, before_id)
        since = (runtime.now() - timedelta(days=COUNTED_DAYS)).date()
        async with runtime.transaction() as tx:
            wanted = Wanted("conversion", people, in_state or None, place)
            rows = await reading.latest(tx, wanted, limit=ROWS + 1)
            told = await tell(tx, [row["id"] for row in rows[:ROWS]], session)
            counts = await reading.counts(tx, since=since) if session.is_operator else {}
        return render(
            request,
            "conversions.html",
            session=session,
            told=list(told.values()),
            counts=counts,
            days=COUNTED_DAYS,
            states=list(ConversionState),
            participant=participant or "",
            state=in_state or "",
            older=older(rows, participant=participant, state=in_state),
            first=place is None,
        )

    return conversions


def _referrals(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @get("/referrals")
    async def referrals(
        request: Request[Any, Any, Any],
        participant: Text = None,
        in_state: InState = None,
        before_at: At = None,
        before_id: Text = None,
    ) -> Response[str]:
        session = await current(request, runtime)
        people, place = _people(session, participant), before(before_at, before_id)
        async with runtime.transaction() as tx:
            wanted = Wanted("referral", people, in_state or None, place)
            rows = await reading.latest(tx, wanted, limit=ROWS + 1)
        return render(
            request,
            "referrals.html",
            session=session,
            rows=rows[:ROWS],
            states=list(ReferralStage),
            participant=participant or "",
            state=in_state or "",
            older=older(rows, participant=participant, state=in_state),
            first=place is None,
        )

    return referrals


def _parked(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @get("/parked")
    async def parked(
        request: Request[Any, Any, Any],
        in_state: InState = None,
        before_at: At = None,
        before_id: Text = None,
    ) -> Response[str]:
        session = await current(request, runtime)
        if not session.is_operator:
            raise Unknown("This page is for operators.")
        place = before(before_at, before_id)
        async with runtime.transaction() as tx:
            wanted = Wanted("parked", None, in_state or None, place)
            rows = await reading.latest(tx, wanted, limit=ROWS + 1)
        return render(
            request,
            "parked.html",
            session=session,
            rows=rows[:ROWS],
            states=[ParkedState.PARKED, "applied", ParkedState.DISCARDED],
            state=in_state or "",
            older=older(rows, state=in_state),
            first=place is None,
        )

    return parked


def _people(session: Session, participant: str | None) -> tuple[str, ...] | None:
    """Whom a list is limited to: oneself, or for operators whom they choose."""
    if session.only is not None:
        return session.only
    return (participant,) if participant else None
