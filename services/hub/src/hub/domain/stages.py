"""The steps of a journey as values: what each says, and whether it went well."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared_schemas.states import (
    ConversionState,
    MessageState,
    PayoutState,
    RewardState,
    VerdictState,
)


class Tone(StrEnum):
    """Whether a step went well, waits, or went no further."""

    GOOD = "good"
    WAITING = "waiting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One touch that was looked at, and what became of it. `whose` None: of nobody known."""

    kind: str
    code: str
    whose: str | None
    at: datetime
    why: str
    counted: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """One named value of a step; minor units if it has a currency, a time if it is one."""

    name: str
    value: str | int | datetime
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """One participant's part. `participant_id` None: somebody whom the reader may not know."""

    participant_id: str | None
    weight: str
    amount_minor: int
    program: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of the fraud check; points and reason only where the reader may see them."""

    name: str
    points: int | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the journey, as it stands now. `about`: the id of the reward that is paid;
    `against`: those of the checks that decided.
    """

    name: str
    id: str
    about: str | None = None
    state: str | None
    tone: Tone
    at: datetime
    reason: str = ""
    next_step: str = ""
    next_at: datetime | None = None
    revision: int = 1
    facts: tuple[Fact, ...] = ()
    lines: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    shares: tuple[Share, ...] = ()
    checks: tuple[Check, ...] = ()
    against: tuple[Check, ...] = ()
    amount_minor: int | None = None
    paid_minor: int = 0
    currency: str | None = None


TONES: Final[Mapping[str, Tone]] = {
    ConversionState.CREDITED: Tone.GOOD,
    ConversionState.UNCONFIRMED: Tone.WAITING,
    ConversionState.UNATTRIBUTED: Tone.STOPPED,
    ConversionState.REVERSED: Tone.STOPPED,
    ConversionState.LAPSED: Tone.STOPPED,
    VerdictState.CLEARED: Tone.GOOD,
    VerdictState.HELD: Tone.WAITING,  # so is a held reward
    VerdictState.REJECTED: Tone.STOPPED,
    RewardState.PENDING: Tone.WAITING,
    RewardState.APPROVED: Tone.WAITING,
    RewardState.FULFILLING: Tone.WAITING,
    RewardState.FULFILLED: Tone.GOOD,
    RewardState.DECLINED: Tone.STOPPED,
    RewardState.EXPIRED: Tone.STOPPED,
    RewardState.CLAWED_BACK: Tone.STOPPED,
    PayoutState.REQUESTED: Tone.WAITING,
    PayoutState.UNKNOWN: Tone.WAITING,
    PayoutState.SETTLED: Tone.GOOD,
    PayoutState.FAILED: Tone.STOPPED,
}
MESSAGE_TONES: Final[Mapping[str, Tone]] = {
    MessageState.DUE: Tone.WAITING,
    MessageState.SENT: Tone.GOOD,
    MessageState.UNKNOWN: Tone.WAITING,
    MessageState.FAILED: Tone.STOPPED,
}
