"""Takes a case through decisions, for tests of what comes after."""

from datetime import timedelta

from msgspec.structs import replace
from rewards.domain.lifecycle import end_hold, hear_credit, hear_verdict
from rewards.domain.outcome import Desk, Outcome, noted
from rewards.domain.paying import Answer, Word, fund, hear_provider
from rewards.domain.steps import Step
from rewards.domain.values import Case, Credit, Reward, Verdict

from .builders import HOLD, NOON, case, credit, facts, share, verdict

LATER = NOON + HOLD
DAY = timedelta(days=1)


def heard(*values: Credit | Verdict, desk: Desk | None = None, start: Case | None = None) -> Case:
    """A case after credits and verdicts in this order, all before the hold's end."""
    desk, now = desk or Desk(facts=facts()), start or case()
    for value in values:
        outcome = (
            hear_credit(now, value, desk, NOON)
            if isinstance(value, Credit)
            else hear_verdict(now, value, desk, NOON)
        )
        now = outcome.case
    return now


def events_of(outcome: Outcome) -> list[type]:
    return [step.change.event for step in outcome.steps]


def only(one: Case) -> Reward:
    (reward,) = one.rewards.values()
    return reward


def held(*values: Credit | Verdict) -> Case:
    return end_hold(heard(credit(share()), *values), Desk(facts=facts()), LATER).case


def worth(one: Case) -> dict[str, tuple[int, str]]:
    return {
        r.terms.beneficiary_id: (r.amount_minor, r.state.value)
        for r in one.rewards.values()
        if r.amount_minor
    }


def approved() -> Case:
    return end_hold(heard(credit(share()), verdict()), Desk(facts=facts()), LATER).case


def through(one: Case, steps: list[Step]) -> Case:
    return noted(one, steps, Desk(facts=facts())).case


def paying(owed: int = 0) -> Case:
    one = approved()
    return through(one, list(fund(only(one), owed, LATER)))


def answered(one: Case, word: Word, *, sent: bool = True) -> Outcome:
    (payout,) = one.payouts.values()
    answer = Answer(word=word, reference="r1" if word is Word.SETTLED else None, reason="no")
    return noted(one, hear_provider(one, payout, answer, LATER + DAY), Desk(facts=facts()))


def sent(one: Case) -> Case:
    return replace(one, payouts={k: replace(p, attempts=1) for k, p in one.payouts.items()})


def refunded(one: Case, refunded: int, revision: int = 2) -> Outcome:
    value = credit(share(), revision=revision, refunded_minor=refunded)
    return hear_credit(one, value, Desk(facts=facts()), LATER + DAY)
