"""The pages of one thing: a conversion's journey, a referral, a participant's rewards.

What is not the reader's is as if it were not there.
"""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from service_kit.runtime import Runtime
from service_kit.transaction import Transaction

from ..domain.views import visible
from ..settings import Settings
from ..store import reading
from .refusals import Unknown
from .rendering import render
from .sessions import current
from .telling import ROWS, At, Id, Text, before, older, tell
from .traces import waterfalls

MAX_LINKS: Final = 100


def routes(runtime: Runtime[Settings]) -> list[HTTPRouteHandler]:
    """`/conversions/{id}`, `/referrals/{id}`, `/participants/{id}`."""
    return [_conversion(runtime), _referral(runtime), _participant(runtime)]


def _conversion(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @get("/conversions/{conversion_id:str}")
    async def conversion(request: Request[Any, Any, Any], conversion_id: Id) -> Response[str]:
        session = await current(request, runtime)
        async with runtime.transaction() as tx:
            told = (await tell(tx, [conversion_id], session)).get(conversion_id)
            if told is None:
                raise Unknown("There is no such conversion, or it is not yours to see.")
            history = await reading.history(tx, conversion_id)
            traces = await waterfalls(tx, history) if session.is_operator else []
            zone = await _market_zone(tx, told.journey.conversion["market_id"])
        return render(
            request,
            "journey.html",
            session=session,
            market_zone=zone,
            told=told,
            conversion=told.journey.conversion,
            stages=told.journey.stages,
            history=visible(history, session.only),
            traces=traces,
        )

    return conversion


def _referral(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @get("/referrals/{referral_id:str}")
    async def referral(request: Request[Any, Any, Any], referral_id: Id) -> Response[str]:
        session = await current(request, runtime)
        async with runtime.transaction() as tx:
            found = await reading.one(tx, "referral", referral_id)
            if found is None or not session.may_see((found["body"]["participant_id"],)):
                raise Unknown("There is no such referral, or it is not yours to see.")
            told = await tell(tx, found["body"].get("conversion_ids", []), session)
            zone = await _market_zone(tx, found["body"]["market_id"])
        return render(
            request,
            "referral.html",
            session=session,
            market_zone=zone,
            referral=found["body"],
            told=list(told.values()),
        )

    return referral


def _participant(runtime: Runtime[Settings]) -> HTTPRouteHandler:
    @get("/participants/{participant_id:str}")
    async def participant(
        request: Request[Any, Any, Any],
        participant_id: Id,
        before_at: At = None,
        before_id: Text = None,
    ) -> Response[str]:
        session = await current(request, runtime)
        if not session.may_see((participant_id,)):
            raise Unknown("There is no such participant, or it is not you.")
        people = session.only or (participant_id,)
        place = before(before_at, before_id)
        async with runtime.transaction() as tx:
            if session.is_operator and not await reading.is_known(tx, participant_id):
                raise Unknown("There is no such participant.")
            rows = await reading.rewards(tx, people, before=place, limit=ROWS + 1)
            totals = await reading.totals(tx, people)
            links = await reading.links(tx, people, limit=MAX_LINKS)
        return render(
            request,
            "participant.html",
            session=session,
            participant_id=participant_id,
            rows=rows[:ROWS],
            totals=totals,
            links=links,
            older=older(rows),
            first=place is None,
        )

    return participant


async def _market_zone(tx: Transaction, market_id: str) -> str | None:
    market = await reading.one(tx, "market", market_id)
    return market["body"]["zone"] if market else None
