"""What fraud decides of one revision of a credit."""

from typing import Annotated, ClassVar

from pydantic import Field

from ..event import EventData, Id, Instant, Text, Value
from ..states import VerdictState


class Contribution(Value):
    """One reason: its points, what it looked at, and the evidence's ids."""

    name: Id
    points: int
    why: Text
    inputs: dict[str, str | int] = Field(default_factory=dict)
    evidence: Annotated[tuple[Id, ...], Field(max_length=50)] = ()


class CreditJudged(EventData):
    """The verdict on (conversion, credit revision); the highest pair of revisions rules."""

    conversion_id: Id
    credit_revision: Annotated[int, Field(ge=1)]
    verdict_revision: Annotated[int, Field(ge=1)]
    state: VerdictState
    score: int = Field(description="the sum of the contributions' points")
    contributions: tuple[Contribution, ...] = ()
    rules_version: Id
    judged_at: Instant
    reviewer: Id | None = None
    review_due_at: Instant | None = None
    next_step: Text


class CreditCleared(CreditJudged):
    """Rewards may be approved when their hold ends."""

    TYPE: ClassVar[str] = "credit.cleared.v1"


class CreditHeld(CreditJudged):
    """A person has to look at it first."""

    TYPE: ClassVar[str] = "credit.held.v1"


class CreditRejected(CreditJudged):
    """Nothing is paid."""

    TYPE: ClassVar[str] = "credit.rejected.v1"
