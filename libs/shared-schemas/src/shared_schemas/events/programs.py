"""What the control plane decides: programs, markets' policies, participants, links, keys."""

from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, StringConstraints

from ..event import EventData, Id, Instant, Text, Value
from ..keys import KeyKind
from ..money import CurrencyCode, Money
from ..states import LinkState
from ..words import (
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


def _fraction(text: str) -> str:
    Fraction(text)
    return text


Seconds = Annotated[int, Field(ge=0, le=10 * 365 * 86_400)]
ExactFraction = Annotated[
    str, StringConstraints(pattern=r"^\d{1,12}(/[1-9]\d{0,11})?$"), AfterValidator(_fraction)
]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
HashHex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Cap(Value):
    """At most so much money, or so many rewards, per participant or program and period."""

    name: Id
    per: CapPer
    period: CapPeriod = CapPeriod.EVER
    amount: Money | None = None
    rewards: Annotated[int, Field(ge=0)] | None = None


class RewardRule(Value):
    """What one side earns for a trigger: a flat amount, or a fraction of the credited value."""

    name: Id
    triggers: tuple[Trigger, ...]
    side: Side = Side.REFERRER
    kind: RewardKind = RewardKind.ACCOUNT_CREDIT
    rail: Rail = Rail.ACCOUNT_CREDIT
    flat: Money | None = None
    flat_split: FlatSplit = FlatSplit.BY_WEIGHT
    percentage: ExactFraction | None = Field(None, description="of the value, such as 1/10")


class Eligibility(Value):
    """Who may earn. Empty means anybody."""

    tiers: tuple[Id, ...] = ()
    markets: tuple[Id, ...] = ()


class FraudPolicy(Value):
    """A program's fraud thresholds, as data; None switches a check off."""

    velocity_limit: Annotated[int, Field(ge=1)] | None = None
    velocity_window_seconds: Seconds = 3_600
    self_referral: bool = True
    duplicate_customer: bool = True
    hold_score: Annotated[int, Field(ge=1, le=1_000)] = 50
    reject_score: Annotated[int, Field(ge=1, le=1_000)] = 90


class ProgramVersionActivated(EventData):
    """An immutable version of a program takes effect. Yesterday's still decides yesterday."""

    TYPE: ClassVar[str] = "program.version_activated.v1"
    program_id: Id
    version: Annotated[int, Field(ge=1)]
    name: Text
    group: Group
    effective_at: Instant
    activated_at: Instant
    hold_seconds: Seconds
    held_expires_seconds: Seconds = 90 * 86_400
    eligibility: Eligibility = Eligibility()
    rewards: tuple[RewardRule, ...]
    caps: tuple[Cap, ...] = ()
    fraud: FraudPolicy = FraudPolicy()
    actor: Id

    @property
    def scope(self) -> str:
        """The topic's key."""
        return self.program_id


class ProgramStatusChanged(EventData):
    """What a pause, its end and a program's end have in common."""

    program_id: Id
    revision: Annotated[int, Field(ge=1)]
    effective_at: Instant
    reason: Text = ""
    actor: Id

    @property
    def scope(self) -> str:
        """The topic's key."""
        return self.program_id


class ProgramPaused(ProgramStatusChanged):
    """Links redirect and touches count, but conversions that occur now earn nothing here."""

    TYPE: ClassVar[str] = "program.paused.v1"


class ProgramResumed(ProgramStatusChanged):
    """Conversions earn again from now on."""

    TYPE: ClassVar[str] = "program.resumed.v1"


class ProgramEnded(ProgramStatusChanged):
    """As paused, for ever. Pending rewards run on."""

    TYPE: ClassVar[str] = "program.ended.v1"


class Window(Value):
    """How long before a conversion a touch may lie; `group` None is every group without its own."""

    group: Group | None = None
    seconds: Annotated[int, Field(ge=1)]


class AttributionPolicyActivated(EventData):
    """A market's facts and its dated attribution policy."""

    TYPE: ClassVar[str] = "attribution_policy.activated.v1"
    market_id: Id
    version: Annotated[int, Field(ge=1)]
    effective_at: Instant
    activated_at: Instant
    currency: CurrencyCode
    language: Language
    zone: Id = Field(description="IANA time zone")
    consent_mode: ConsentMode
    model: AttributionModel
    windows: tuple[Window, ...]
    grace_seconds: Seconds
    collapse_repeats_seconds: Seconds = 0
    unconfirmed_seconds: Seconds = 30 * 86_400
    actor: Id

    @property
    def scope(self) -> str:
        """The topic's key."""
        return self.market_id


class ParticipantPeriod(Value):
    """What was true of a participant from a moment on, until the next period."""

    from_at: Instant
    group: Group
    market_id: Id
    tier: Id = "standard"
    active: bool = True


class ParticipantEnrolled(EventData):
    """A participant's whole state, with its dated history (oldest first)."""

    TYPE: ClassVar[str] = "participant.enrolled.v1"
    participant_id: Id
    revision: Annotated[int, Field(ge=1)]
    language: Language
    customer_id: Id | None = None
    email_hash: HashHex | None = None
    account_id: Id | None = None
    history: Annotated[tuple[ParticipantPeriod, ...], Field(min_length=1)]


class ParticipantChanged(ParticipantEnrolled):
    """A participant's group, tier, market or identity changed."""

    TYPE: ClassVar[str] = "participant.changed.v1"


class ParticipantDeactivated(ParticipantEnrolled):
    """A participant earns nothing for what occurs from now on."""

    TYPE: ClassVar[str] = "participant.deactivated.v1"
    reason: Text = ""


class LinkPeriod(Value):
    """Who owned a link from a moment on."""

    from_at: Instant
    participant_id: Id


WebAddress = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^https?://")]


class LinkTarget(Value):
    """Where a link leads people of one market, of one language, or of both, instead."""

    destination: WebAddress
    market_id: Id | None = None
    language: Language | None = None


class LinkParameter(Value):
    """A query parameter that every destination of a link gets: utm_source, a deep link's page."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.~-]{1,50}$")]
    value: Annotated[str, StringConstraints(max_length=200)]


class LinkIssued(EventData):
    """A code that redirects: whole state, owner's history oldest first."""

    TYPE: ClassVar[str] = "link.issued.v1"
    code: Id
    revision: Annotated[int, Field(ge=1)]
    program_id: Id
    market_id: Id
    destination: WebAddress
    targets: tuple[LinkTarget, ...] = ()
    parameters: tuple[LinkParameter, ...] = ()
    state: LinkState = LinkState.ACTIVE
    campaign_id: Id | None = None
    issued_at: Instant
    expires_at: Instant | None = None
    history: Annotated[tuple[LinkPeriod, ...], Field(min_length=1)]


class LinkRevoked(LinkIssued):
    """A code that no longer redirects."""

    TYPE: ClassVar[str] = "link.revoked.v1"
    revoked_at: Instant


class KeyIssued(EventData):
    """An API key (its keyed hash) or a public day key. `source` survives the key's rotation."""

    TYPE: ClassVar[str] = "key.issued.v1"
    key_id: Id
    revision: Annotated[int, Field(ge=1)]
    kind: KeyKind
    source: Id | None = Field(None, description="ce_source of what comes in with this key")
    hash: HashHex | None = None
    scopes: tuple[Id, ...] = ()
    market_id: Id | None = None
    actor_id: Id | None = Field(None, description="whom an admin key stands for")
    public_key: Text | None = Field(None, description="day keys: base64, X25519")
    valid_from: Instant
    expires_at: Instant | None = None


class KeyRevoked(EventData):
    """A key that is refused from now on."""

    TYPE: ClassVar[str] = "key.revoked.v1"
    key_id: Id
    revision: Annotated[int, Field(ge=1)]
    kind: KeyKind
    revoked_at: Instant
