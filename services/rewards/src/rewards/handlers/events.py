"""Hears credits and verdicts: whichever comes first, the decision is the same."""

from collections.abc import Sequence

from service_kit.events import Event
from service_kit.transaction import Transaction
from shared_schemas.event import EventData
from shared_schemas.events.attribution import ConversionDecided
from shared_schemas.events.fraud import CreditJudged

from ..domain.lifecycle import hear_credit, hear_verdict
from ..domain.outcome import Desk, Outcome
from ..domain.values import Case, Conversion, Credit, Verdict
from ..store import conversions
from .cases import open_desk, open_work
from .wire import credit_of, verdict_of
from .work import Work

News = tuple[Event[EventData], str, Credit | Verdict]


async def handle(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
    """Lock the conversions, drop what is not new, decide event by event, save once."""
    heard = [news for event in events if (news := _news(event)) is not None]
    known = await conversions.lock(tx, {conversion_id for _, conversion_id, _ in heard})
    heard = [news for news in heard if _is_new(known[news[1]], news[2])]
    work = await open_work(tx, known, {key for _, key, value in heard if _acts(known[key], value)})
    desk = await _desk(tx, work, heard)
    for event, conversion_id, value in heard:
        case = work.cases[conversion_id]
        missing = _missing(case, value, desk)
        if missing is not None:
            tx.wait_for(event, *missing)
        else:
            work.take(_decide(case, value, desk, event), event.cause)
    await work.save()


def _news(event: Event[EventData]) -> News | None:
    if isinstance(event.data, ConversionDecided):
        return event, event.data.conversion_id, credit_of(event.data)
    if isinstance(event.data, CreditJudged):
        return event, event.data.conversion_id, verdict_of(event.data)
    return None


def _is_new(conversion: Conversion, value: Credit | Verdict) -> bool:
    if isinstance(value, Credit):
        return conversion.credit is None or value.revision > conversion.credit.revision
    return conversion.verdict is None or value.pair > conversion.verdict.pair


def _acts(conversion: Conversion, value: Credit | Verdict) -> bool:
    """Whether hearing this may change rewards that are there."""
    if isinstance(value, Credit):
        return conversion.credit is not None
    return conversion.hold_ended_at is not None


async def _desk(tx: Transaction, work: Work, heard: Sequence[News]) -> Desk:
    known = {key: case.conversion for key, case in work.cases.items()}
    overdue = {key for _, key, _ in heard if known[key].is_overdue}
    before = [(key, credit) for key in sorted(overdue) if (credit := known[key].credit)]
    fresh = [(key, value) for _, key, value in heard if isinstance(value, Credit)]
    return await open_desk(
        tx,
        work,
        [credit for _, credit in (*before, *fresh)],
        [*before, *((key, credit) for key, credit in fresh if key in overdue)],
    )


def _missing(case: Case, value: Credit | Verdict, desk: Desk) -> tuple[str, str] | None:
    """What a credit cannot be decided without. After approval it needs nothing."""
    if not isinstance(value, Credit) or not case.conversion.is_open:
        return None
    return desk.facts.missing(value) if _is_new(case.conversion, value) else None


def _decide(case: Case, value: Credit | Verdict, desk: Desk, event: Event[EventData]) -> Outcome:
    if isinstance(value, Credit):
        return hear_credit(case, value, desk, event.now)
    return hear_verdict(case, value, desk, event.now)
