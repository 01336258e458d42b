"""The domain's values with defaults."""

from fractions import Fraction
from typing import Any

from fraud.domain.checks import Case
from fraud.domain.credit import Credit, Participant, Policy, Share
from fraud.domain.identity import Mark, Person
from shared_schemas.events.programs import FraudPolicy

from .builders import NOON, at


def mark(minutes: float, event_id: str = "e") -> Mark:
    """A fact's mark."""
    return Mark(at(minutes), event_id, "test")


def policy(**fraud: Any) -> Policy:
    """A program version with this fraud policy."""
    return Policy(
        program_id="p",
        version=1,
        hold_seconds=3_600,
        fraud=FraudPolicy(**{"velocity_limit": 20, **fraud}),
    )


def credit(**given: Any) -> Credit:
    """A credit of one participant."""
    share = Share(participant_id="ann", program_id="p", program_version=1, weight=Fraction(1))
    defaults: dict[str, Any] = {
        "conversion_id": "c1",
        "revision": 1,
        "customer_id": "bob",
        "occurred_at": NOON,
        "first_reported_at": NOON,
        "shares": (share,),
    }
    return Credit(**defaults | given)


def case(**given: Any) -> Case:
    """A case without anything against it."""
    defaults: dict[str, Any] = {
        "credit": credit(),
        "policy": policy(),
        "person": Person(own=("customer:bob",), ways={}),
        "participants": {"ann": Participant(participant_id="ann", revision=1, customer_id="ann")},
    }
    return Case(**defaults | given)
