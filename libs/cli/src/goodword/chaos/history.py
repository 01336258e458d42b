"""What happened in a run, as far as anybody outside can tell: the input of the checker.

Clients' acknowledgements, every record of every topic, what the mail, payment and webhook sinks
were asked, and the rows of the tables that hold money, credits and touches.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of a topic (without the install's prefix); no body: it is not JSON."""

    topic: str
    partition: int
    offset: int
    type: str
    source: str
    id: str
    causation: str | None = None
    body: Body | None = None
    digest: str = ""  # the hash that names what a client said, else of the body

    @property
    def identity(self) -> tuple[str, str]:
        """(ce_source, ce_id)."""
        return self.source, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A message that a client was told is taken. `conversion_id` of orders only."""

    event_id: str
    conversion_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """Who must park what."""

    consumer: str
    source: str
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a sink: its id (payout, delivery), when (seconds), and what it said."""

    id: str
    at: float
    said: str = ""
    amount_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One SIGKILL, and whether work was in flight (None: nobody could tell)."""

    victim: str
    at: float
    in_flight: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One leg of a ledger transfer."""

    transfer_id: str
    account_id: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Rows as they are at the end."""

    touches: Sequence[str] = ()  # their ids, one a row
    conversions: Mapping[str, int] = field(default_factory=dict)  # attribution: id to revision
    rewards: Mapping[str, tuple[int, str, int]] = field(default_factory=dict)  # revision state paid
    entries: Sequence[Entry] = ()
    balances: Mapping[str, int] = field(default_factory=dict)  # by account
    due: Mapping[str, str | None] = field(default_factory=dict)  # by name: cause, or the calendar
    unpublished: int = 0


@dataclass(frozen=True)
class History:
    """A whole run."""

    acknowledged: Sequence[Acknowledged] = ()
    planted: frozenset[Planted] = frozenset()
    records: Sequence[Record] = ()
    mails: Sequence[Call] = ()
    payments: Sequence[Call] = ()
    webhooks: Sequence[Call] = ()
    kills: Sequence[Kill] = ()
    tables: Tables = Tables()

    @cached_property
    def facts(self) -> Mapping[str, Sequence[Record]]:
        """Readable records by type, each identity once: the first of it."""
        seen: set[tuple[str, tuple[str, str]]] = set()
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self.records:
            if record.body is None or ".dlq." in record.topic:
                continue
            if (record.topic, record.identity) not in seen:
                seen.add((record.topic, record.identity))
                found[record.type].append(record)
        return found

    def of(self, *beginnings: str) -> Iterable[tuple[Record, Body]]:
        """The facts whose type begins with one of these, with their bodies."""
        for name, records in self.facts.items():
            if name.startswith(beginnings):
                yield from ((record, record.body or {}) for record in records)


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """Something that must not be: which rule, and of what."""

    rule: str
    what: str
