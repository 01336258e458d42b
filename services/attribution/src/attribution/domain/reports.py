"""What is known of one conversion: its reports as one, its refunds, and its look-alikes."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace
from shared_schemas.words import Trigger

from .hearing import carried_sightings
from .values import Identifier, Report, Reversal, Sighting

LOOK_ALIKE_WITHIN = timedelta(days=7)


class Merged(Struct, frozen=True, kw_only=True):
    """One conversion as its reports tell it: the most trusted and first of them, gaps filled."""

    conversion_id: str
    trusted: bool
    trigger: Trigger
    family: str
    reference: str
    amount_minor: int  # 0 where none was told
    currency: str | None
    identifiers: tuple[Identifier, ...]  # the first of each kind
    product: str | None
    market_id: str
    occurred_at: datetime
    first_reported_at: datetime
    carried: tuple[Sighting, ...]
    sources: frozenset[str]

    @property
    def customer_id(self) -> str | None:
        """The organisation's own id of the buyer."""
        first = self.identifiers[0]
        return first.removeprefix("customer:") if first.startswith("customer:") else None


class Refunded(Struct, frozen=True):
    """What was taken back of a conversion, cumulative and never more than the whole."""

    minor: int
    whole: bool
    ignored: int  # refunds in another currency


class Neighbour(Struct, frozen=True, kw_only=True):
    """Another sale of the same customer, with what it takes to recognise a look-alike."""

    conversion_id: str
    occurred_at: datetime
    amount_minor: int
    currency: str | None
    sources: frozenset[str]


def merge(reports: Sequence[Report]) -> Merged:
    """The reports of one conversion as one: by (trust, occurred_at, event id), later fill gaps."""
    ranked = sorted(reports, key=lambda r: (not r.trusted, r.occurred_at, r.heard[::-1]))
    first = ranked[0]
    priced = next((r for r in ranked if r.amount_minor is not None), first)
    clicked = next((r for r in ranked if r.click_id is not None), None)
    coded = next((r for r in ranked if r.code is not None), None)
    trusted = [report for report in ranked if report.trusted]
    return Merged(
        conversion_id=first.conversion_id,
        trusted=first.trusted,
        trigger=first.trigger,
        family=first.family,
        reference=first.reference,
        amount_minor=priced.amount_minor or 0,
        currency=priced.currency,
        identifiers=_first_of_each_kind(ranked),
        product=next((r.product for r in ranked if r.product is not None), None),
        market_id=first.market_id,
        occurred_at=first.occurred_at,
        first_reported_at=min(r.heard.at for r in trusted or ranked),
        carried=_carried(first.occurred_at, clicked, coded),
        sources=frozenset(r.heard.source for r in trusted),
    )


def _first_of_each_kind(ranked: Iterable[Report]) -> tuple[Identifier, ...]:
    found: dict[str, Identifier] = {}
    for report in ranked:
        for name in report.identifiers:
            found.setdefault(name.partition(":")[0], name)
    if len(found) > 1:
        found.pop("conversion", None)  # it stands for a report that named nobody
    return tuple(sorted(found.values()))


def _carried(
    occurred_at: datetime, clicked: Report | None, coded: Report | None
) -> tuple[Sighting, ...]:
    """The touches that the conversion itself proves: they are never later than it."""
    found: dict[str, Sighting] = {}
    for report, has in ((clicked, "click_id"), (coded, "code")):
        for sighting in carried_sightings(report) if report else ():
            if (sighting.click_id is not None) == (has == "click_id"):
                found[sighting.sighting_id] = not_after(sighting, occurred_at)
    return tuple(found.values())


def not_after(sighting: Sighting, moment: datetime) -> Sighting:
    """The sighting, at the moment if it was told later."""
    if sighting.at <= moment:
        return sighting
    return replace(sighting, at=moment)


def refunded(amount_minor: int, currency: str | None, reversals: Iterable[Reversal]) -> Refunded:
    """Trusted refunds summed, capped at the amount. One without an amount is the whole."""
    trusted = [reversal for reversal in reversals if reversal.trusted]
    whole = any(reversal.amount_minor is None for reversal in trusted)
    priced = [r for r in trusted if r.amount_minor is not None]
    ignored = sum(r.currency is not None and r.currency != currency for r in priced)
    total = sum(r.amount_minor or 0 for r in priced if r.currency in (None, currency))
    minor = amount_minor if whole else min(amount_minor, total)
    return Refunded(minor, whole or (0 < amount_minor <= total), ignored)


def look_alike(merged: Merged, others: Iterable[Neighbour]) -> str | None:
    """The first of earlier sales with the same customer and amount, told by other sources only."""
    if merged.family != "sale" or merged.customer_id is None or merged.currency is None:
        return None
    if not merged.trusted:
        return None
    own = (merged.occurred_at, merged.conversion_id)
    earlier = [
        (other.occurred_at, other.conversion_id)
        for other in others
        if (other.occurred_at, other.conversion_id) < own
        and (other.amount_minor, other.currency) == (merged.amount_minor, merged.currency)
        and merged.occurred_at - other.occurred_at <= LOOK_ALIKE_WITHIN
        and other.sources
        and other.sources.isdisjoint(merged.sources)
    ]
    return min(earlier)[1] if earlier else None
