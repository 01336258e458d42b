"""The facts that attribution keeps, as it heard them. Identifiers read `customer:c1`."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct
from shared_schemas import ids
from shared_schemas.states import ReferralStage
from shared_schemas.words import TouchKind, Trigger

Identifier = str
"""`<kind>:<value>`. A person is named by the smallest identifier that it has."""

_KNOWN = ("customer:", "email:", "record:")
SEPARATOR = "\x1f"
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def identifier(kind: str, value: str | None) -> Identifier | None:
    """An id of a kind (`customer`, `email`, `record`, `visitor`), None for none."""
    return None if value is None else f"{kind}:{plain(value)}"


def plain(value: str) -> str:
    """An id as it was told. Raises ValueError if it could run into its neighbours in a list."""
    if SEPARATOR in value:
        raise ValueError("an id holds a control character")
    return value


def value_of(name: Identifier) -> str:
    """The id without its kind."""
    return name.partition(":")[2]


def is_known(name: Identifier) -> bool:
    """Whether this names a customer, an address or a CRM record: somebody, not a browser."""
    return name.startswith(_KNOWN)


class Heard(NamedTuple):
    """When and as what a fact came in; the smallest is the first."""

    at: datetime
    source: str
    event_id: str


class Form(StrEnum):
    """In which form a touch was reported; `token` is one that came with a conversion."""

    CLICK = "click"
    SHARE = "share"
    TOKEN = "token"  # noqa: S105 - the name of a form
    CODE = "code"
    LEAD = "lead"


class Sighting(Struct, frozen=True, kw_only=True):
    """One report of a touch. What touch it is (click, share view, none) depends on its click's."""

    sighting_id: str
    form: Form
    code: str
    identifier: Identifier | None
    click_id: str | None
    at: datetime
    heard: Heard
    consented: bool
    clicked_at: datetime | None = None
    conversion_id: str | None = None
    trace_id: str | None = None


class Touch(Struct, frozen=True, kw_only=True):
    """What a person's sightings add up to: one influence of one code at one time."""

    touch_id: str
    kind: TouchKind
    code: str
    at: datetime
    identifier: Identifier
    consented: bool
    heard: Heard
    trace_id: str | None = None


class Counted(NamedTuple):
    """Where a sighting counts: a touch's kind and its UTC day."""

    kind: TouchKind
    day: date


class Join(Struct, frozen=True, kw_only=True):
    """All links that name the same identifiers with the same trust, first to last."""

    identifiers: tuple[Identifier, ...]  # sorted, so customer, email, record, visitor
    trusted: bool
    first_at: datetime
    last_at: datetime

    @property
    def join_id(self) -> str:
        """Its natural key."""
        return ids.derived("join", int(self.trusted), *self.identifiers)


class Parting(Struct, frozen=True, kw_only=True):
    """The last time that these identifiers were said to be different people."""

    identifiers: tuple[Identifier, ...]
    trusted: bool
    at: datetime

    @property
    def parting_id(self) -> str:
        """Its natural key."""
        return ids.derived("parting", int(self.trusted), *self.identifiers)


class Refusal(Struct, frozen=True, kw_only=True):
    """Somebody refused consent: sightings without it are evidence no more."""

    identifier: Identifier
    at: datetime


class Report(Struct, frozen=True, kw_only=True):
    """One immutable report of a conversion."""

    conversion_id: str
    heard: Heard
    trusted: bool
    trigger: Trigger
    family: str
    reference: str
    amount_minor: int | None
    currency: str | None
    identifiers: tuple[Identifier, ...]  # sorted: the first names whom it is about
    product: str | None
    market_id: str
    occurred_at: datetime
    code: str | None = None
    click_id: str | None = None
    click_code: str | None = None
    clicked_at: datetime | None = None
    consented: bool = True
    trace_id: str | None = None


class Reversal(Struct, frozen=True, kw_only=True):
    """One refund; without an amount it takes back the whole."""

    reversal_id: str
    conversion_id: str
    heard: Heard
    trusted: bool
    amount_minor: int | None
    currency: str | None


class Record(Struct, frozen=True, kw_only=True):
    """A CRM record as of its latest change."""

    identifier: Identifier
    record_id: str
    stage: ReferralStage
    changed_at: datetime
    heard: Heard
