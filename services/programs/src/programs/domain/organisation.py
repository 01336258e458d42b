"""An organisation written as code: one document, read strictly, that says what should be.

What the document leaves out stays as it is: nothing is deleted by omission.
"""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    model_validator,
)
from shared_schemas.events.programs import Language
from shared_schemas.keys import KeyKind
from shared_schemas.matching import NotAnAddress, canonical_email
from shared_schemas.money import digits_of
from shared_schemas.words import (
    AttributionModel,
    CapPer,
    CapPeriod,
    ConsentMode,
    FlatSplit,
    Group,
    Rail,
    RewardKind,
    Side,
    Trigger,
)

from .amounts import Amount, Duration, Moment, Share
from .change import Role
from .faults import nearest
from .parts import Label, Name, OutsideId, Part, Source
from .wanted import Link

MAX_ENTRIES = 5_000
MAX_FEW = 500
ROOT_KEY = "root"
_OWN_SOURCES = "goodword/"


def _currency(code: str) -> str:
    digits_of(code)
    return code


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(name, available_timezones())
        raise ValueError(f"{name!r} is not an IANA time zone{hint}") from None
    return name


def _address(text: str) -> str:
    try:
        canonical_email(text)
    except NotAnAddress:
        raise ValueError("not an e-mail address") from None
    return text.strip()


def _trigger(text: object) -> object:
    known = [trigger.value for trigger in Trigger]
    if isinstance(text, str) and text not in known:
        raise ValueError(f"{text!r} is no trigger{nearest(text, known)}")
    return text


def _windows(windows: object) -> object:
    return windows if isinstance(windows, dict) else {"default": windows}


def _cover_all(windows: dict[str, int]) -> dict[str, int]:
    if "default" not in windows:
        raise ValueError("needs a `default` for the groups without a window of their own")
    if min(windows.values()) < 1:
        raise ValueError("a window is at least one second long")
    return windows


class Policy(Part):
    """How a market's conversions are attributed."""

    model: AttributionModel
    windows: Annotated[
        dict[Literal["default", "employee", "customer", "partner"], Duration],
        BeforeValidator(_windows),
        AfterValidator(_cover_all),
        Field(description="one duration, or one a group and `default`"),
    ]
    grace: Duration = Field(description="how long late facts may still revise a credit")
    collapse_repeats: Duration = 0
    unconfirmed: Duration = 30 * 86_400


class Market(Part):
    """A market: its currency, language, zone and consent law, and its attribution policy."""

    id: Name
    currency: Annotated[str, AfterValidator(_currency)]
    language: Language
    zone: Annotated[str, AfterValidator(_zone)]
    consent_mode: ConsentMode
    policy: Policy
    effective_at: Moment | None = None


class Reward(Part):
    """What one side earns: a flat amount, or a percentage of the credited value."""

    name: Name
    triggers: Annotated[
        tuple[Annotated[Trigger, BeforeValidator(_trigger)], ...], Field(min_length=1)
    ]
    side: Side = Side.REFERRER
    kind: RewardKind = RewardKind.ACCOUNT_CREDIT
    rail: Rail = Rail.ACCOUNT_CREDIT
    flat: Amount | None = None
    flat_split: FlatSplit = FlatSplit.BY_WEIGHT
    percentage: Share | None = None

    @model_validator(mode="after")
    def _earns_one_thing(self) -> "Reward":
        if (self.flat is None) == (self.percentage is None):
            raise ValueError("give either `flat` or `percentage`")
        return self


class Limit(Part):
    """A cap: at most so much money, or so many rewards."""

    name: Name
    per: CapPer
    period: CapPeriod = CapPeriod.EVER
    amount: Amount | None = None
    rewards: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> "Limit":
        if (self.amount is None) == (self.rewards is None):
            raise ValueError("give either `amount` or `rewards`")
        return self


class Fraud(Part):
    """Fraud thresholds; null switches the velocity check off."""

    velocity_limit: Annotated[int, Field(ge=1)] | None = 20
    velocity_window: Duration = 3_600
    self_referral: bool = True
    duplicate_customer: bool = True
    hold_score: Annotated[int, Field(ge=1, le=1_000)] = 50
    reject_score: Annotated[int, Field(ge=1, le=1_000)] = 90

    @model_validator(mode="after")
    def _holds_before_it_rejects(self) -> "Fraud":
        if self.hold_score > self.reject_score:
            raise ValueError("hold_score must not be above reject_score")
        return self


class Eligible(Part):
    """Who may earn. Empty means anybody."""

    tiers: tuple[Name, ...] = ()
    markets: tuple[Name, ...] = ()


class Program(Part):
    """A referral program of one group. Whatever changes here becomes a new version."""

    id: Name
    name: Label
    group: Group
    hold: Duration
    held_expires: Duration = 90 * 86_400
    eligibility: Eligible = Eligible()
    rewards: Annotated[tuple[Reward, ...], Field(min_length=1, max_length=100)]
    caps: Annotated[tuple[Limit, ...], Field(max_length=100)] = ()
    fraud: Fraud = Fraud()
    status: Literal["active", "paused", "ended"] | None = None
    effective_at: Moment | None = None


class Participant(Part):
    """Somebody who refers. `email` and `name` are sealed at once and stored nowhere in plain."""

    id: Name
    group: Group
    market: Name
    tier: Name = "standard"
    language: Language | None = Field(None, description="the market's when absent")
    customer_id: OutsideId | None = None
    account_id: OutsideId | None = None
    email: Annotated[str, AfterValidator(_address)] | None = Field(None, repr=False)
    name: Label | None = Field(None, repr=False)
    active: bool | None = None

    @model_validator(mode="after")
    def _is_sealed_whole(self) -> "Participant":
        if self.name is not None and self.email is None:
            raise ValueError("give `email` beside `name`: both are sealed together")
        return self


def _check_roles(scopes: tuple[str, ...]) -> None:
    known = [role.value for role in Role]
    for scope in scopes:
        if scope not in known:
            raise ValueError(f"{scope!r} is no role{nearest(scope, known)}")


class Key(Part):
    """An API key. Its raw text is made here and shown once."""

    id: Name
    kind: KeyKind
    source: Source | None = Field(None, description="ce_source of what comes in; outlives rotation")
    scopes: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    market: Name | None = None
    actor: Name | None = None
    expires: Moment | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Key":
        if self.id == ROOT_KEY:
            raise ValueError("the first admin key is the secret setting GOODWORD_ADMIN_KEY")
        if self.kind is KeyKind.DAY:
            raise ValueError("day keys are made by the control plane itself")
        if self.kind is KeyKind.ADMIN and (self.actor is None or not self.scopes):
            raise ValueError("an admin key names its `actor` and its roles as `scopes`")
        if self.kind is KeyKind.ADMIN and (self.source is not None or self.market is not None):
            raise ValueError("an admin key has neither `source` nor `market`")
        if self.kind is KeyKind.ADMIN:
            _check_roles(self.scopes)
        elif self.market is None:
            raise ValueError(f"a {self.kind} key names its `market`")
        if self.source is not None and self.source.startswith(_OWN_SOURCES):
            raise ValueError(f"sources that begin with {_OWN_SOURCES} are our own")
        return self

    @property
    def event_source(self) -> str | None:
        """The ce_source of what comes in with this key; none for admin keys."""
        return None if self.kind is KeyKind.ADMIN else self.source or f"key/{self.id}"


class Organisation(Part):
    """The whole document."""

    markets: Annotated[tuple[Market, ...], Field(max_length=MAX_FEW)] = ()
    programs: Annotated[tuple[Program, ...], Field(max_length=MAX_FEW)] = ()
    participants: Annotated[tuple[Participant, ...], Field(max_length=MAX_ENTRIES)] = ()
    links: Annotated[tuple[Link, ...], Field(max_length=MAX_ENTRIES)] = ()
    keys: Annotated[tuple[Key, ...], Field(max_length=MAX_FEW)] = ()
