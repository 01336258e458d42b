"""What tracking knows of links, markets and keys, and what follows from it at a moment."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct
from shared_schemas.destinations import with_query
from shared_schemas.keys import KeyKind
from shared_schemas.states import LinkState
from shared_schemas.words import ConsentMode, Trust

TOKEN_PARAMETER = "gw"  # noqa: S105 - the name of a query parameter


class Target(Struct, frozen=True, kw_only=True):
    """Where people of one market, of one language, or of both, are led instead."""

    destination: str
    market_id: str | None = None
    language: str | None = None


class Link(Struct, frozen=True, kw_only=True, tag_field="kind_of", tag="link"):
    """A code, and where it leads; its parameters are part of each destination already."""

    code: str
    revision: int
    program_id: str
    market_id: str
    destination: str
    targets: tuple[Target, ...] = ()
    state: LinkState
    expires_at: datetime | None = None

    def state_at(self, now: datetime) -> LinkState:
        """Its state, an expiry that nobody has announced yet included."""
        expired = self.expires_at is not None and self.expires_at <= now
        return LinkState.EXPIRED if expired and self.state is LinkState.ACTIVE else self.state


class Policy(Struct, frozen=True, kw_only=True, tag_field="kind_of", tag="policy"):
    """One version of what is true of a market."""

    market_id: str
    version: int
    effective_at: datetime
    consent_mode: ConsentMode
    language: str
    currency: str


class Scope(StrEnum):
    """What a key may be limited to; a key without scopes may do all that its kind may."""

    TOUCHES = "touches"
    IDENTITIES = "identities"
    CONVERSIONS = "conversions"
    LEADS = "leads"


class ApiKey(Struct, frozen=True, kw_only=True, tag_field="kind_of", tag="key"):
    """A publishable, secret or admin key; `source` is the ce_source of what comes in with it."""

    key_id: str
    revision: int
    hash: str
    kind: KeyKind
    source: str
    scopes: tuple[str, ...] = ()
    market_id: str | None = None
    valid_from: datetime
    expires_at: datetime | None = None
    revoked: bool = False

    def opens_door(self, now: datetime) -> bool:
        """Whether a client may report with it now."""
        return (
            self.kind in (KeyKind.PUBLISHABLE, KeyKind.SECRET)
            and not self.revoked
            and self.valid_from <= now
            and (self.expires_at is None or now < self.expires_at)
        )

    def allows(self, scope: Scope) -> bool:
        """Whether its scopes name what is asked for."""
        return not self.scopes or scope in self.scopes

    @property
    def trust(self) -> Trust:
        """How far what it reports may be believed."""
        return Trust.SECRET if self.kind is KeyKind.SECRET else Trust.PUBLISHABLE


class DayKey(Struct, frozen=True, kw_only=True, tag_field="kind_of", tag="day_key"):
    """A public key that the personal data of one day is sealed to (base64, X25519)."""

    key_id: str
    revision: int
    public_key: str
    valid_from: datetime
    expires_at: datetime | None = None
    revoked: bool = False


class Tables(Protocol):
    """The facts that a decision may ask for."""

    @property
    def complete(self) -> bool:
        """False until the tables are read to the end they had at this start."""

    def link(self, code: str) -> Link | None:
        """The link of a code; a generated code may be written in any case and grouping."""

    def policy(self, market_id: str, at: datetime) -> Policy | None:
        """What was true of a market at a moment."""


def by_effect(versions: Iterable[Policy]) -> tuple[Policy, ...]:
    """A market's versions in the order in which they take effect."""
    return tuple(sorted(versions, key=lambda version: (version.effective_at, version.version)))


def in_force(versions: Sequence[Policy], at: datetime) -> Policy | None:
    """The version in force, of versions by effect; before the first takes effect, that one:
    consent cannot wait."""
    for version in reversed(versions):
        if version.effective_at <= at:
            return version
    return versions[0] if versions else None


def day_key_at(keys: Sequence[DayKey], at: datetime) -> DayKey | None:
    """The youngest day key that is valid at a moment."""
    valid = [
        key
        for key in keys
        if not key.revoked
        and key.valid_from <= at
        and (key.expires_at is None or at < key.expires_at)
    ]
    return max(valid, key=lambda key: (key.valid_from, key.key_id), default=None)


def with_token(destination: str, token: str) -> str:
    """The destination with the token as one more query parameter, before any fragment."""
    return with_query(destination, f"{TOKEN_PARAMETER}={token}")
