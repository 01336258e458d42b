"""What is: the control plane's state, a fold over the events that it has published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shared_schemas.event import EventData
from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    KeyIssued,
    KeyRevoked,
    LinkIssued,
    ParticipantEnrolled,
    ProgramEnded,
    ProgramPaused,
    ProgramStatusChanged,
    ProgramVersionActivated,
)

Status = Literal["active", "paused", "ended"]
ProgramEvent = ProgramVersionActivated | ProgramStatusChanged


def status_of(event: ProgramStatusChanged) -> Status:
    """What a program is after this event."""
    if isinstance(event, ProgramEnded):
        return "ended"
    return "paused" if isinstance(event, ProgramPaused) else "active"


@dataclass(frozen=True, slots=True)
class ProgramState:
    """A program: its versions and its pauses, oldest first."""

    versions: tuple[ProgramVersionActivated, ...]
    statuses: tuple[ProgramStatusChanged, ...] = ()

    @property
    def latest(self) -> ProgramVersionActivated:
        """The newest version, which may take effect only later."""
        return self.versions[-1]

    @property
    def status(self) -> Status:
        """Whether it earns now."""
        return status_of(self.statuses[-1]) if self.statuses else "active"


@dataclass(frozen=True, slots=True)
class ParticipantState:
    """A participant, and the digest of the contact that was sealed for it last."""

    data: ParticipantEnrolled
    contact_digest: str | None = None

    @property
    def active(self) -> bool:
        """Whether it earns now."""
        return self.data.history[-1].active


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key, and since when it is refused."""

    data: KeyIssued
    revision: int
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that a decision may look at. `pairs` are (program, market) in which links run."""

    markets: Mapping[str, tuple[AttributionPolicyActivated, ...]] = field(default_factory=dict)
    programs: Mapping[str, ProgramState] = field(default_factory=dict)
    participants: Mapping[str, ParticipantState] = field(default_factory=dict)
    links: Mapping[str, LinkIssued] = field(default_factory=dict)
    keys: Mapping[str, KeyState] = field(default_factory=dict)
    pairs: frozenset[tuple[str, str]] = frozenset()


class Draft:
    """A state in the making: decisions are taken on it in order, each sees those before it."""

    def __init__(self, state: State) -> None:
        self.markets = dict(state.markets)
        self.programs = dict(state.programs)
        self.participants = dict(state.participants)
        self.links = dict(state.links)
        self.keys = dict(state.keys)
        self.pairs = set(state.pairs)

    def state(self) -> State:
        """What the draft says now."""
        return State(
            markets=self.markets,
            programs=self.programs,
            participants=self.participants,
            links=self.links,
            keys=self.keys,
            pairs=frozenset(self.pairs),
        )

    def take(self, event: EventData, contact_digest: str | None = None) -> None:
        """The state after one more event."""
        match event:
            case AttributionPolicyActivated():
                self.markets[event.market_id] = (*self.markets.get(event.market_id, ()), event)
            case ProgramVersionActivated() | ProgramStatusChanged():
                known = self.programs.get(event.program_id)
                self.programs[event.program_id] = _program_after(known, event)
            case ParticipantEnrolled():
                state = ParticipantState(event, contact_digest)
                self.participants[event.participant_id] = state
            case LinkIssued():
                self.links[event.code] = event
                self.pairs.add((event.program_id, event.market_id))
            case KeyIssued():
                self.keys[event.key_id] = KeyState(event, event.revision)
            case KeyRevoked():
                key = self.keys[event.key_id]
                self.keys[event.key_id] = KeyState(key.data, event.revision, event.revoked_at)


def _program_after(program: ProgramState | None, event: ProgramEvent) -> ProgramState:
    versions = program.versions if program else ()
    statuses = program.statuses if program else ()
    if isinstance(event, ProgramVersionActivated):
        return ProgramState((*versions, event), statuses)
    return ProgramState(versions, (*statuses, event))
