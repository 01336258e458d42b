"""What each event says, as facts. Nothing is decided here."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from shared_schemas import ids
from shared_schemas.event import EventData
from shared_schemas.events.crm import LeadChanged, OpportunityChanged
from shared_schemas.events.tracking import (
    ClickRecorded,
    CodeEntered,
    ConsentChanged,
    ConversionRecorded,
    ConversionReversed,
    IdentityLinked,
    IdentityUnlinked,
    LeadSubmitted,
    ShareRecorded,
    Touch,
)
from shared_schemas.states import ReferralStage
from shared_schemas.words import ConsentState, Trigger, Trust

from .values import (
    Form,
    Heard,
    Identifier,
    Join,
    Parting,
    Record,
    Refusal,
    Report,
    Reversal,
    Sighting,
    identifier,
    plain,
)


class Facts(Struct, frozen=True, kw_only=True):
    """Everything that one event says."""

    sightings: tuple[Sighting, ...] = ()
    joins: tuple[Join, ...] = ()
    partings: tuple[Parting, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    reports: tuple[Report, ...] = ()
    reversals: tuple[Reversal, ...] = ()
    records: tuple[Record, ...] = ()


def hear(data: EventData, heard: Heard, trace_id: str | None) -> Facts:
    """The facts of an event that came in as `heard`. Raises KeyError for a type not heard."""
    return _HEARING[type(data)](data, heard, trace_id)


def needed_facts(facts: Facts) -> tuple[str, ...]:
    """What must be known before these can be decided: `link/<code>`, `market/<id>`.

    A code that sales staff typed into a record may be nonsense, and waits for nobody.
    """
    codes = {s.code for s in facts.sightings if not facts.records}
    markets = {report.market_id for report in facts.reports}
    return tuple(f"link/{code}" for code in sorted(codes)) + tuple(
        f"market/{market_id}" for market_id in sorted(markets)
    )


_FORMS: Mapping[type[EventData], Form] = {
    ClickRecorded: Form.CLICK,
    ShareRecorded: Form.SHARE,
    CodeEntered: Form.CODE,
    LeadSubmitted: Form.LEAD,
}


def _identifiers(said: Any) -> tuple[Identifier, ...]:
    """The person's ids in an event, sorted by kind."""
    found = (
        identifier("customer", said.customer_id),
        identifier("email", said.email_hash),
        identifier("visitor", getattr(said, "visitor_id", None)),
    )
    return tuple(name for name in found if name is not None)


def _joined(names: tuple[Identifier, ...], *, trusted: bool, at: Any) -> tuple[Join, ...]:
    if len(names) < 2:
        return ()
    return (Join(identifiers=names, trusted=trusted, first_at=at, last_at=at),)


def _touch(data: Touch, heard: Heard, trace_id: str | None) -> Facts:
    """A lead's sender may be the participant: the lead's ids are one person, its visitor is not."""
    form = _FORMS[type(data)]
    names = _identifiers(data)
    if form is Form.LEAD:
        names = tuple(n for n in names if not n.startswith("visitor:")) or names
        own = names[0] if names else f"lead:{data.touch_id}"
    else:
        own = identifier("visitor", data.visitor_id) or (names[0] if names else "")
        if not own and form is not Form.CLICK:
            own = f"touch:{data.touch_id}"
    sighting = Sighting(
        sighting_id=data.touch_id,
        form=form,
        code=data.code,
        identifier=own or None,
        click_id=data.click_id if form in (Form.CLICK, Form.SHARE) else None,
        at=data.occurred_at,
        heard=heard,
        consented=data.consent.state is ConsentState.GRANTED,
        trace_id=trace_id,
    )
    trusted = data.trust is not Trust.PUBLISHABLE
    return Facts(sightings=(sighting,), joins=_joined(names, trusted=trusted, at=data.occurred_at))


def _linked(data: IdentityLinked, _heard: Heard, _trace_id: str | None) -> Facts:
    trusted = data.trust is not Trust.PUBLISHABLE
    return Facts(joins=_joined(_identifiers(data), trusted=trusted, at=data.occurred_at))


def _unlinked(data: IdentityUnlinked, _heard: Heard, _trace_id: str | None) -> Facts:
    parting = Parting(
        identifiers=_identifiers(data),
        trusted=data.trust is not Trust.PUBLISHABLE,
        at=data.occurred_at,
    )
    return Facts(partings=(parting,))


def _consent(data: ConsentChanged, _heard: Heard, _trace_id: str | None) -> Facts:
    if data.state is not ConsentState.DENIED:
        return Facts()
    names = (identifier("visitor", data.visitor_id), identifier("customer", data.customer_id))
    return Facts(
        refusals=tuple(
            Refusal(identifier=name, at=data.occurred_at) for name in names if name is not None
        )
    )


def _conversion(data: ConversionRecorded, heard: Heard, trace_id: str | None) -> Facts:
    trusted = data.trust is not Trust.PUBLISHABLE
    report = Report(
        conversion_id=plain(data.conversion_id),
        heard=heard,
        trusted=trusted,
        trigger=data.trigger,
        family=data.family,
        reference=data.reference,
        amount_minor=data.amount_minor,
        currency=data.currency,
        identifiers=_identifiers(data) or (f"conversion:{data.conversion_id}",),
        product=data.product,
        market_id=data.market_id,
        occurred_at=data.occurred_at,
        code=data.code,
        click_id=data.token.click_id if data.token else None,
        click_code=data.token.code if data.token else None,
        clicked_at=data.token.clicked_at if data.token else None,
        consented=data.consent.state is ConsentState.GRANTED,
        trace_id=trace_id,
    )
    return Facts(
        reports=(report,),
        sightings=carried_sightings(report),
        joins=_joined(_identifiers(data), trusted=trusted, at=data.occurred_at),
    )


def carried_sightings(report: Report) -> tuple[Sighting, ...]:
    """The touches that a conversion's report carries: its link token, its code."""
    # A browser's own id first: whose click it was is a question of browsers.
    last = report.identifiers[-1]
    whose = last if last.startswith("visitor:") else report.identifiers[0]
    carried: list[tuple[Form, str, str, str | None]] = []
    if report.click_id is not None and report.click_code is not None:
        sighting_id = ids.derived("token", report.conversion_id, report.click_id)
        carried.append((Form.TOKEN, sighting_id, report.click_code, report.click_id))
    if report.code is not None:
        sighting_id = ids.derived("code", report.conversion_id, report.code)
        carried.append((Form.CODE, sighting_id, report.code, None))
    return tuple(
        Sighting(
            sighting_id=sighting_id,
            form=form,
            code=code,
            identifier=whose,
            click_id=click_id,
            at=report.occurred_at,
            heard=report.heard,
            consented=report.consented,
            clicked_at=report.clicked_at if form is Form.TOKEN else None,
            conversion_id=report.conversion_id,
            trace_id=report.trace_id,
        )
        for form, sighting_id, code, click_id in carried
    )


def _reversed(data: ConversionReversed, heard: Heard, _trace_id: str | None) -> Facts:
    reversal = Reversal(
        reversal_id=data.reversal_id,
        conversion_id=data.conversion_id,
        heard=heard,
        trusted=data.trust is not Trust.PUBLISHABLE,
        amount_minor=data.amount_minor,
        currency=data.currency,
    )
    return Facts(reversals=(reversal,))


def _record(data: LeadChanged, heard: Heard, trace_id: str | None) -> Facts:
    own = f"record:{plain(data.connector)}/{plain(data.record_id)}"
    names = tuple(sorted((*_identifiers(data), own)))
    record = Record(
        identifier=own,
        record_id=data.record_id,
        stage=data.stage,
        changed_at=data.changed_at,
        heard=heard,
    )
    reports: tuple[Report, ...] = ()
    if isinstance(data, OpportunityChanged) and data.stage is ReferralStage.WON:
        reports = _won(data, names, heard, trace_id)
    return Facts(
        records=(record,),
        reports=reports,
        sightings=_record_sighting(data, own, heard, trace_id),
        joins=_joined(names, trusted=True, at=data.changed_at),
    )


def _record_sighting(
    data: LeadChanged, own: Identifier, heard: Heard, trace_id: str | None
) -> tuple[Sighting, ...]:
    if data.code is None:
        return ()
    return (
        Sighting(
            sighting_id=ids.derived("record-lead", own, data.code),
            form=Form.LEAD,
            code=data.code,
            identifier=own,
            click_id=None,
            at=data.changed_at,
            heard=heard,
            consented=True,
            trace_id=trace_id,
        ),
    )


def _won(
    data: OpportunityChanged, names: tuple[Identifier, ...], heard: Heard, trace_id: str | None
) -> tuple[Report, ...]:
    """A won opportunity with an amount is a sale: its order's, else its own."""
    if data.amount_minor is None:
        return ()
    reference = data.order_reference or data.record_id
    family = Trigger.OPPORTUNITY_WON.family
    return (
        Report(
            conversion_id=ids.conversion_id(family, reference),
            heard=heard,
            trusted=True,
            trigger=Trigger.OPPORTUNITY_WON,
            family=family,
            reference=reference,
            amount_minor=data.amount_minor,
            currency=data.currency,
            identifiers=names,
            product=data.product,
            market_id=data.market_id,
            occurred_at=data.changed_at,
            trace_id=trace_id,
        ),
    )


_HEARING: Mapping[type[EventData], Callable[[Any, Heard, str | None], Facts]] = {
    ClickRecorded: _touch,
    ShareRecorded: _touch,
    CodeEntered: _touch,
    LeadSubmitted: _touch,
    IdentityLinked: _linked,
    IdentityUnlinked: _unlinked,
    ConsentChanged: _consent,
    ConversionRecorded: _conversion,
    ConversionReversed: _reversed,
    LeadChanged: _record,
    OpportunityChanged: _record,
}
HEARS: tuple[type[EventData], ...] = tuple(_HEARING)
