"""What a decision looks at beside the case, and what it answers."""

from collections.abc import Iterable

from msgspec import Struct, field

from .facts import Facts
from .limits import LimitBook
from .steps import Step, apply
from .values import Case


class Outcome(Struct, frozen=True):
    """A case after a decision, and the steps that led there."""

    case: Case
    steps: tuple[Step, ...] = ()

    def then(self, step: Step) -> "Outcome":
        """One step further."""
        return Outcome(apply(self.case, step), (*self.steps, step))


class Desk(Struct, frozen=True, kw_only=True):
    """What decisions look at beside the case: facts heard, and the limits that are locked."""

    facts: Facts = field(default_factory=Facts)
    limits: LimitBook = field(default_factory=LimitBook)


def noted(case: Case, steps: Iterable[Step], desk: Desk) -> Outcome:
    """The outcome of steps in order; the limits are told of them."""
    outcome = Outcome(case)
    for step in steps:
        desk.limits.move(step.before, step.reward)
        outcome = outcome.then(step)
    return outcome
