"""What rewards has heard of programs, participants and markets, and what it still lacks."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field
from shared_schemas.events.programs import Cap, Eligibility, RewardRule

from .values import Credit, Share


class Version(Struct, frozen=True, kw_only=True):
    """One immutable version of a program, as far as rewards cares."""

    program_id: str
    version: int
    hold_seconds: int
    held_expires_seconds: int
    eligibility: Eligibility
    rules: tuple[RewardRule, ...]
    caps: tuple[Cap, ...]


class Period(Struct, frozen=True):
    """What was true of a participant from a moment on."""

    from_at: datetime
    market_id: str
    tier: str
    active: bool


class Facts(Struct, frozen=True):
    """The read tables' rows that a batch needs. Histories are oldest first."""

    versions: Mapping[tuple[str, int], Version] = field(default_factory=dict)
    participants: Mapping[str, tuple[Period, ...]] = field(default_factory=dict)
    zones: Mapping[str, tuple[tuple[datetime, str], ...]] = field(default_factory=dict)

    def missing(self, credit: Credit) -> tuple[str, str] | None:
        """The first fact (kind, id) that this credit cannot be decided without."""
        for share in credit.shares:
            if (share.program_id, share.program_version) not in self.versions:
                return "program_version", f"{share.program_id}/{share.program_version}"
            if share.participant_id not in self.participants:
                return "participant", share.participant_id
            if share.market_id not in self.zones:
                return "market", share.market_id
        return None

    def version(self, program_id: str, version: int) -> Version:
        """A version that is known to be there."""
        return self.versions[program_id, version]

    def period(self, participant_id: str, at: datetime) -> Period:
        """What was true of a participant then; its first period holds before it began, too."""
        history = self.participants[participant_id]
        return max((p for p in history if p.from_at <= at), key=_began, default=history[0])

    def zone(self, market_id: str, at: datetime) -> str:
        """The market's zone then; its first holds before it began, too."""
        history = self.zones[market_id]
        return max((z for z in history if z[0] <= at), default=history[0])[1]

    def hold_seconds(self, shares: tuple[Share, ...]) -> int:
        """The longest hold among the versions that shares name."""
        return max(
            (self.version(s.program_id, s.program_version).hold_seconds for s in shares), default=0
        )

    def held_expires_seconds(self, shares: tuple[Share, ...]) -> int:
        """The longest patience among the versions that shares name."""
        return max(
            (self.version(s.program_id, s.program_version).held_expires_seconds for s in shares),
            default=0,
        )


def _began(period: Period) -> datetime:
    return period.from_at
