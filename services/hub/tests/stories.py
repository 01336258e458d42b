"""Whole journeys as events: what became of a conversion, told by every service in turn."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from hub.domain.spans import Span
from service_kit.testing import Given

from .builders import example

MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 3, 10, 0, 2, tzinfo=UTC)
LATER = "2026-11-17T10:00:02Z"
REWARDS_SAY = {
    "pending": (
        "earned, and on hold",
        "It is approved when the hold ends, if the fraud check clears it.",
    ),
    "held": ("verdict_missing", "It waits for the fraud check."),
    "approved": ("the hold is over and the fraud check cleared it", "It is paid now."),
    "fulfilling": ("12.00 EUR is being paid", "The account_credit rail is asked to pay."),
    "fulfilled": ("paid: 12.00 EUR", "Nothing is left to do."),
    "declined": ("rejected by the fraud check", "Nothing is owed."),
    "expired": ("nobody decided in time", "Nothing more will come of this reward."),
    "clawed_back": (
        "the conversion was refunded",
        "12.00 EUR will be netted against the next rewards.",
    ),
}
FRAUD_SAYS = {
    "cleared": "Rewards may be approved when their hold ends.",
    "held": "A reviewer clears or rejects it; until then nothing is approved.",
    "rejected": "Nothing is paid. A reviewer can clear it if this is a mistake.",
}
SELF_REFERRAL = {
    "name": "self_referral",
    "points": 100,
    "why": "The referred person is participant ada: the same e-mail address.",
    "inputs": {"participant_id": "ada", "matched": "e-mail address", "steps": 1},
}
VELOCITY = {
    "name": "velocity",
    "points": 60,
    "why": "more than 20 conversions of participant ada came from one address within 3600"
    " seconds: over the limit.",
    "inputs": {"participant_id": "ada", "limit": 20, "window_seconds": 3600},
}


@dataclass(frozen=True, slots=True)
class Story:
    """One conversion, told by `events`."""

    conversion_id: str
    events: tuple[Given, ...]


class Teller:
    """Tells one conversion's story, a minute a step, in one trace."""

    def __init__(self, name: str, *, amount_minor: int = 12_000, currency: str = "EUR") -> None:
        self.conversion_id = str(uuid5(NAMESPACE_URL, name))
        self.traceparent = f"00-{uuid5(NAMESPACE_URL, f'trace {name}').hex}-00f067aa0ba902b7-01"
        self._money = {"amount_minor": amount_minor, "currency": currency}
        self._name = name
        self._events: list[Given] = []

    def say(self, event_type: str, **changed: Any) -> "Teller":
        """Add an event of this conversion."""
        at = START + MINUTE * len(self._events)
        changed = {"conversion_id": self.conversion_id, **changed}
        self._events.append(example(event_type, at=at, traceparent=self.traceparent, **changed))
        return self

    def credited(self, *participants: str, **changed: Any) -> "Teller":
        """Credit participants alike; each clicked once, and eve's click came too early."""
        total = self._money["amount_minor"]
        shares = [self._share(person, len(participants), total) for person in participants]
        early = self._touch("eve", counted=False, why="superseded: a later touch counts")
        usual = {
            "shares": shares,
            "refused": [early],
            "refused_count": 1,
            "reference": self._name,
            "reason": "First report: 1 of 2 touches counts.",
            "next_step": "Touches heard until 2026-11-04 10:00 UTC may still change it; refunds and"
            " changes of identity always.",
            **self._money,
        }
        return self.say("conversion.credited.v1", **{**usual, **changed})

    def unattributed(self, state: str = "unattributed", **changed: Any) -> "Teller":
        """Nobody is credited: ada's click is too old."""
        why = "it lies outside the window of 30 days"
        usual = {
            "reason": f"First report: none of 1 touches counts; of the last, {why}.",
            "next_step": "A touch heard until 2026-11-04 10:00 UTC may still be credited.",
            "refused": [self._touch("ada", counted=False, why=why)],
            "refused_count": 1,
            "reference": self._name,
            "state": state,
            **self._money,
        }
        return self.say("conversion.unattributed.v1", **{**usual, **changed})

    def judged(self, state: str, *checks: dict[str, Any], **changed: Any) -> "Teller":
        """The risk check says what it found."""
        said = {"contributions": checks, "next_step": FRAUD_SAYS[state]}
        score = sum(check["points"] for check in checks)
        return self.say(f"credit.{state}.v1", **{**said, "score": score, **changed})

    def reward(self, state: str, *, beneficiary: str = "ada", **changed: Any) -> "Teller":
        """A reward of a tenth reaches a state."""
        worth = self._money["amount_minor"] // 10
        sums = {"amount_minor": worth, "pending_minor": worth if state == "pending" else 0}
        if state in ("approved", "fulfilling", "fulfilled"):
            sums["approved_minor"] = worth
        if state == "fulfilled":
            sums["paid_minor"] = worth
        if state in ("declined", "clawed_back", "expired"):
            sums["amount_minor"] = 0
        reason, next_step = REWARDS_SAY[state]
        said = {"reason": reason, "next_step": next_step, "explanation": self._lines(beneficiary)}
        return self.say(
            f"reward.{state}.v1",
            reward_id=str(uuid5(NAMESPACE_URL, f"{self._name} {beneficiary}")),
            beneficiary_id=beneficiary,
            side="referee" if beneficiary.startswith("cust") else "referrer",
            currency=self._money["currency"],
            digits={"JPY": 0, "KWD": 3}.get(str(self._money["currency"]), 2),
            **{**said, **sums, **changed},
        )

    def payout(self, state: str, **changed: Any) -> "Teller":
        """The payout of ada's reward reaches a state."""
        usual = {
            "payout_id": str(uuid5(NAMESPACE_URL, f"payout {self._name}")),
            "reward_id": str(uuid5(NAMESPACE_URL, f"{self._name} ada")),
            "amount_minor": self._money["amount_minor"] // 10,
            "currency": self._money["currency"],
        }
        return self.say(f"payout.{state}.v1", **{**usual, **changed})

    def told(self) -> Story:
        """The story as it stands."""
        return Story(self.conversion_id, tuple(self._events))

    def _lines(self, beneficiary: str) -> list[str]:
        side = "referee" if beneficiary.startswith("cust") else "referrer"
        return [
            f"Rule peer-thanks of program customers-eu, version 1, gives the {side} 1/10 of the"
            " credited value for purchase: 12.00 EUR.",
            "The fraud check cleared revision 1 with score 0 under rules 2026-11.1: velocity +0.",
        ]

    def _share(self, person: str, of: int, total: int) -> dict[str, Any]:
        return {
            "participant_id": person,
            "group": "customer",
            "program_id": "customers-eu",
            "program_version": 1,
            "market_id": "eu",
            "referral_id": str(uuid5(NAMESPACE_URL, f"referral {person}")),
            "weight": "1" if of == 1 else f"1/{of}",
            "amount_minor": total // of,
            "evidence": [
                self._touch(person, counted=True, why="the last touch before the conversion")
            ],
            "evidence_count": 1,
        }

    def _touch(self, person: str, *, counted: bool, why: str) -> dict[str, Any]:
        return {
            "touch_id": str(uuid5(NAMESPACE_URL, f"{self._name} touch of {person}")),
            "kind": "click",
            "code": f"{person.upper()}-EU",
            "participant_id": person,
            "at": "2026-11-02T09:00:00Z",
            "counted": counted,
            "why": why,
        }


def paid(name: str = "order-paid", **money: Any) -> Story:
    """Cleared, held for two weeks, paid, told."""
    teller = Teller(name, **money).credited("ada").judged("cleared").reward("pending")
    teller.reward("approved").reward("fulfilling").payout("requested").payout("settled")
    told_of = {"delivery_id": f"delivery {name}", "reason": ""}
    return teller.reward("fulfilled").say("message.sent.v1", **told_of).told()


def rejected(name: str = "order-rejected") -> Story:
    """The participant is the customer."""
    teller = Teller(name).credited("ada").reward("pending").judged("rejected", SELF_REFERRAL)
    return teller.reward("declined").told()


def in_review(name: str = "order-in-review") -> Story:
    """A person has to look at it."""
    teller = Teller(name).credited("ada").reward("pending").judged("held", VELOCITY)
    todo = {"reason": "under_review", "next_step": "A reviewer has to decide."}
    return teller.reward("held", next_at=LATER, **todo).told()


def unattributed(name: str = "order-unattributed") -> Story:
    """No touch inside the window."""
    return Teller(name).unattributed().told()


def unconfirmed(name: str = "order-unconfirmed") -> Story:
    """Only a publishable key has told of it."""
    reason = "First report: only a publishable key has told of it, which anybody may use."
    todo = "A report by a secret key or the CRM until 2026-11-17 10:00 UTC confirms it."
    said = {"reason": reason, "next_step": todo, "refused": [], "refused_count": 0}
    return Teller(name).unattributed("unconfirmed", expires_at=LATER, **said).told()


def pending(name: str = "order-pending", **money: Any) -> Story:
    """In its waiting period; two share it."""
    teller = Teller(name, **money).credited("ada", "bob").judged("cleared")
    return teller.reward("pending").reward("pending", beneficiary="bob").told()


def refunded(name: str = "order-refunded") -> Story:
    """Paid, and then the customer got the money back."""
    teller = Teller(name).credited("ada").judged("cleared").reward("pending")
    teller.reward("fulfilled").payout("settled")
    back = {"revision": 2, "state": "reversed", "refunded_minor": 12_000}
    back |= {"reason": "A refund: 1 of 2 touches counts."}
    teller.credited("ada", **back, next_step="Nothing follows: all of it was taken back.")
    taken = {"approved_minor": 1_200, "paid_minor": 1_200, "reversed_minor": 1_200}
    return teller.reward("clawed_back", **taken).told()


def payment_failed(name: str = "order-payment-failed") -> Story:
    """The rail refused; an operator has to act."""
    teller = Teller(name).credited("ada").judged("cleared").reward("fulfilling")
    teller.payout("failed", reason="refused with HTTP 400: account closed")
    why = {"revision": 5, "reason": "the payout failed: refused with HTTP 400: account closed"}
    todo = "An operator has to look at the payout and request it again."
    return teller.reward("approved", **why, next_step=todo).told()


def two_sided(name: str = "order-two-sided") -> Story:
    """Both sides earn; the referee's is still to come."""
    teller = Teller(name).credited("ada").judged("cleared").reward("fulfilled")
    return teller.reward("pending", beneficiary="cust-77").told()


def spans_of(story: Story) -> list[Span]:
    """A trace of a story: one span after the other, the last of which failed."""
    trace_id = story.events[0].envelope.traceparent[3:35]  # type: ignore[index]
    names = (
        "tracking POST /v1/track",
        "attribution conversion.recorded.v1",
        "fraud x",
        "rewards y",
    )
    return [
        Span(
            trace_id,
            f"span-{number}",
            f"span-{number - 1}" if number else None,
            name.partition(" ")[0],
            name,
            "consumer",
            START + timedelta(milliseconds=20 * number),
            0.01,
            "TimeoutError" if number == 3 else None,
            (),
            {},
        )
        for number, name in enumerate(names)
    ]


ALL = (
    paid(),
    rejected(),
    in_review(),
    unattributed(),
    unconfirmed(),
    pending(),
    refunded(),
    payment_failed(),
    two_sided(),
    paid("order-tokyo", amount_minor=98_000, currency="JPY"),
    pending("order-kuwait", amount_minor=1_234_567, currency="KWD"),
)
TABLES = (
    "participant.enrolled.v1",
    "attribution_policy.activated.v1",
    "program.version_activated.v1",
    "link.issued.v1",
)
