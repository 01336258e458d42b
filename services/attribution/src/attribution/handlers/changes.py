"""What a batch of facts changed, and which event is to be named as the cause."""

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct, field
from service_kit.events import Cause

from ..domain.values import Identifier, Report
from ..domain.wording import Occasion
from ..store.conversions import Affected
from ..store.people import People

_LATE = datetime.max.replace(tzinfo=UTC)


class Note(Struct, frozen=True):
    """One event as the cause of what follows; of several the weightiest and latest is named."""

    occasion: Occasion
    order: int
    cause: Cause


class Changes(Struct):
    """Facts that are new in this transaction, by whom they are about."""

    conversions: set[str] = field(default_factory=set)
    people: set[Identifier] = field(default_factory=set)  # who is who or who consents has changed
    touched: set[Identifier] = field(default_factory=set)
    opening: set[Identifier] = field(default_factory=set)  # a lead or a code was given
    records: set[Identifier] = field(default_factory=set)
    reports: list[Report] = field(default_factory=list)
    lapsing: dict[str, datetime] = field(default_factory=dict)
    heard_at: datetime = _LATE  # the earliest touch
    _notes: dict[str, Note] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.conversions or self.people or self.touched or self.records)

    def note(self, key: str, occasion: Occasion, cause: Cause) -> None:
        """Remember `cause` for an identifier or a `conversion:<id>`."""
        known = self._notes.get(key)
        if known is None or occasion <= known.occasion:
            self._notes[key] = Note(occasion, len(self._notes), cause)

    def convert(self, conversion_id: str, occasion: Occasion, cause: Cause) -> None:
        """Remember that a conversion is to be decided."""
        self.conversions.add(conversion_id)
        self.note(f"conversion:{conversion_id}", occasion, cause)

    def cause_of(self, keys: Iterable[str]) -> Note:
        """The note that weighs most among `keys`, else among all. Raises ValueError for none."""
        found = [self._notes[key] for key in keys if key in self._notes]
        return min(found or self._notes.values(), key=lambda n: (n.occasion, -n.order))

    def affected(self, people: People) -> Affected:
        """The conversions that may be decided differently now."""
        sales = [r for r in self.reports if r.family == "sale" and _customer(r)]
        times = [report.occurred_at for report in sales]
        affected = Affected(
            named=frozenset(self.conversions),
            of_changed=people.members_of(*self.people),
            of_touched=people.members_of(*self.touched),
            heard_at=self.heard_at,
        )
        if not sales:
            return affected
        return Affected(
            named=affected.named,
            of_changed=affected.of_changed,
            of_touched=affected.of_touched,
            heard_at=affected.heard_at,
            customers=frozenset(_customer(report) for report in sales),
            between=(min(times), max(times)),
        )


def _customer(report: Report) -> str:
    first = report.identifiers[0]
    return first.removeprefix("customer:") if first.startswith("customer:") else ""
