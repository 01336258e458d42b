"""From contributions to a verdict: the score, the thresholds, a reviewer's word."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from shared_schemas.events.fraud import Contribution
from shared_schemas.states import VerdictState

from .checks import Case, contributions_of
from .credit import Policy

RULES_VERSION = "2026-11.1"
"""Names the checks, their points and the order of decision; it changes when any of them does."""


class Decision(StrEnum):
    """What a reviewer may say."""

    CLEAR = "clear"
    REJECT = "reject"


class Review(Struct, frozen=True, kw_only=True):
    """A reviewer's word, and the contributions that they had before them."""

    decision: Decision
    reviewer: str
    reason: str
    names: frozenset[str]

    def holds(self, contributions: Iterable[Contribution]) -> bool:
        """A rejection stands; a clearance stands until something new counts against the credit."""
        new = names_of(contributions) - self.names
        return self.decision is Decision.REJECT or not new


class Opinion(Struct, frozen=True, kw_only=True):
    """What the facts say of one credit, before it is given a revision and a time."""

    state: VerdictState
    contributions: tuple[Contribution, ...]
    policy: Policy
    reviewer: str | None
    next_step: str

    @property
    def score(self) -> int:
        """The exact sum of the contributions' points."""
        return sum(contribution.points for contribution in self.contributions)

    @property
    def names(self) -> frozenset[str]:
        """The contributions that count."""
        return names_of(self.contributions)

    @property
    def substance(self) -> str:
        """What makes two opinions different: outcome, what counts, whose word. Not the wording."""
        counted = sorted(
            f"{contribution.name}={contribution.points}"
            for contribution in self.contributions
            if contribution.points
        )
        return "|".join((self.state.value, self.reviewer or "", *counted))


class Standing(Struct, frozen=True, kw_only=True):
    """The verdict that stands for a conversion: its revisions and what it said."""

    conversion_id: str
    credit_revision: int = 0
    verdict_revision: int = 0
    state: VerdictState | None = None
    substance: str = ""
    judged_at: datetime | None = None
    review: Review | None = None

    def differs(self, credit_revision: int, opinion: Opinion) -> bool:
        """Whether an opinion is worth a new verdict."""
        return credit_revision > self.credit_revision or opinion.substance != self.substance


def names_of(contributions: Iterable[Contribution]) -> frozenset[str]:
    """The names of the contributions that count."""
    return frozenset(one.name for one in contributions if one.points)


def judge(case: Case, review: Review | None) -> Opinion:
    """The opinion on a case. A function of the facts alone, whatever order they came in."""
    contributions = contributions_of(case)
    if review and review.holds(contributions):
        return _reviewed(case, contributions, review)
    state = _by_score(sum(one.points for one in contributions), case.policy)
    return Opinion(
        state=state,
        contributions=contributions,
        policy=case.policy,
        reviewer=None,
        next_step=_NEXT_STEPS[state],
    )


def _by_score(score: int, policy: Policy) -> VerdictState:
    if score >= policy.fraud.reject_score:
        return VerdictState.REJECTED
    return VerdictState.HELD if score >= policy.fraud.hold_score else VerdictState.CLEARED


def _reviewed(case: Case, contributions: tuple[Contribution, ...], review: Review) -> Opinion:
    state = _DECIDED[review.decision]
    word = Contribution(
        name="review",
        points=0,
        why=f"Reviewer {review.reviewer} decided to {review.decision} it: {review.reason}",
    )
    return Opinion(
        state=state,
        contributions=(*contributions, word),
        policy=case.policy,
        reviewer=review.reviewer,
        next_step=_NEXT_STEPS[state],
    )


_DECIDED = {Decision.CLEAR: VerdictState.CLEARED, Decision.REJECT: VerdictState.REJECTED}

_NEXT_STEPS = {
    VerdictState.CLEARED: "Rewards may be approved when their hold ends.",
    VerdictState.HELD: "A reviewer clears or rejects it; until then nothing is approved.",
    VerdictState.REJECTED: "Nothing is paid. A reviewer can clear it if this is a mistake.",
}
