"""The wire turned into facts, once per batch; every fact remembers which event told it."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from msgspec import Struct, field
from service_kit.events import Cause, DataT_co, Event, of_type
from shared_schemas.event import EventData
from shared_schemas.events import attribution as a
from shared_schemas.events import tracking as t
from shared_schemas.words import ConsentState, Trust

from ..domain.credit import Credit, Report, Share, Touch
from ..domain.identity import Bond, Flavour, Kind, Mark, Node, bonds_of, nodes_of

Decided = Event[a.ConversionDecided]


class Heard(Struct):
    """What a batch says, gathered while its events are read in order."""

    touches: dict[str, Touch] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    bonds: list[Bond] = field(default_factory=list)
    said: dict[str, tuple[Mark, bool]] = field(default_factory=dict)
    decided: list[Decided] = field(default_factory=list)
    touch_causes: dict[str, Cause] = field(default_factory=dict)
    node_causes: dict[Node, Cause] = field(default_factory=dict)
    conversion_causes: dict[str, Cause] = field(default_factory=dict)


def read(events: Sequence[Event[EventData]]) -> Heard:
    """The facts of a batch."""
    heard = Heard(decided=of_type(events, a.ConversionDecided))
    for touch in of_type(events, t.Touch):
        _touch(heard, touch)
    for link in of_type(events, t.IdentityLinked):
        _link(heard, link)
    for consent in of_type(events, t.ConsentChanged):
        _consent(heard, consent)
    for report in of_type(events, t.ConversionRecorded):
        _report(heard, report)
    return heard


def credit_of(data: a.ConversionDecided) -> Credit:
    """A credit with the touches that counted; without shares when nobody is credited."""
    shares = data.shares if isinstance(data, a.ConversionCredited) else ()
    return Credit(
        conversion_id=data.conversion_id,
        revision=data.revision,
        customer_id=data.customer_id,
        occurred_at=data.occurred_at,
        first_reported_at=data.first_reported_at,
        look_alike_of=data.look_alike_of,
        shares=tuple(_share(share) for share in shares),
    )


def _share(share: a.Share) -> Share:
    return Share(
        participant_id=share.participant_id,
        program_id=share.program_id,
        program_version=share.program_version,
        weight=Fraction(share.weight),
        touch_ids=tuple(item.touch_id for item in share.evidence if item.counted),
    )


def _touch(heard: Heard, event: Event[t.Touch]) -> None:
    data = event.data
    touch = Touch(
        touch_id=data.touch_id, mark=_mark(event, data.occurred_at), address_hash=data.address_hash
    )
    known = heard.touches.get(touch.touch_id)
    if known is None or (known.mark and touch.mark and touch.mark < known.mark):
        heard.touches[touch.touch_id] = touch
    heard.touch_causes[touch.touch_id] = event.cause


def _link(heard: Heard, event: Event[t.IdentityLinked]) -> None:
    data = event.data
    if not isinstance(data, t.IdentityUnlinked):
        flavour = _flavour(data.consent)
    elif data.trust is Trust.PUBLISHABLE:
        return  # anybody could part two ids that speak against them
    else:
        flavour = Flavour.CUT
    nodes = nodes_of(
        customer_id=data.customer_id, email_hash=data.email_hash, visitor_id=data.visitor_id
    )
    _join(heard, event.cause, nodes, bonds_of(nodes, flavour, _mark(event, data.occurred_at)))


def _consent(heard: Heard, event: Event[t.ConsentChanged]) -> None:
    data = event.data
    word = _mark(event, data.occurred_at), data.state is ConsentState.DENIED
    heard.said[data.visitor_id] = max(word, heard.said.get(data.visitor_id, word))
    heard.node_causes[Kind.VISITOR.node(data.visitor_id)] = event.cause


def _report(heard: Heard, event: Event[t.ConversionRecorded]) -> None:
    data = event.data
    report = Report(
        conversion_id=data.conversion_id,
        mark=_mark(event, data.occurred_at),
        trusted=data.trust is not Trust.PUBLISHABLE,
        consented=data.consent.state is ConsentState.GRANTED,
        refused=data.consent.state is ConsentState.DENIED,
        visitor_id=data.visitor_id,
        customer_id=data.customer_id,
        email_hash=data.email_hash,
        address_hash=data.address_hash,
    )
    heard.reports.append(report)
    heard.conversion_causes[data.conversion_id] = event.cause
    if report.trusted:
        nodes = (*report.customer_nodes, *report.other_nodes(refused=()))
        bonds = bonds_of(nodes, _flavour(data.consent), report.mark)
        _join(heard, event.cause, nodes, bonds)


def _join(heard: Heard, cause: Cause, nodes: Sequence[Node], bonds: Sequence[Bond]) -> None:
    heard.bonds.extend(bonds)
    heard.node_causes.update(dict.fromkeys(nodes, cause))


def _flavour(consent: t.Consent) -> Flavour:
    granted = consent.state is ConsentState.GRANTED
    return Flavour.CONSENTED if granted else Flavour.UNCONSENTED


def _mark(event: Event[DataT_co], occurred_at: datetime) -> Mark:
    return Mark(occurred_at, event.id, event.source)
