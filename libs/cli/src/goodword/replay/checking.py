"""Compares what was credited and rewarded with the oracle, to the minor unit."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from shared_schemas.events.attribution import ConversionCredited
from shared_schemas.events.rewards import RewardChanged

from ..demo.tape import Tape
from ..services import Address
from .oracle import Credited

TOPICS = ("attribution.credits", "rewards.rewards")


@dataclass(frozen=True, slots=True)
class Found:
    """What topics and the ledger say. `paid_minor` is the ledger's, by channel."""

    credited: Credited
    rewarded: Mapping[str, int]
    paid_minor: Mapping[str, int]
    imbalance_minor: int


def found(tape: Tape, rewards: Address) -> Found:
    """Read the newest credits and rewards, and the statement of every channel."""
    newest = {
        heard.data.conversion_id: heard.data
        for heard in sorted(tape.of(ConversionCredited), key=lambda heard: heard.data.revision)
    }
    credited = Credited()
    for decided in newest.values():
        weights = {share.participant_id: Fraction(share.weight) for share in decided.shares}
        parts = {share.participant_id: share.amount_minor for share in decided.shares}
        credited.add(decided.reference, weights, parts)
    rewarded = _rewarded(tape)
    statements = {channel: _paid(rewards, channel) for channel in rewarded}
    check = rewards.get("/v1/ledger/check")
    assert isinstance(check, dict)
    imbalance: Mapping[str, int] = check["imbalance_minor"]
    return Found(credited, rewarded, statements, sum(map(abs, imbalance.values())))


def mismatches(expected: Credited, actual: Found) -> list[str]:
    """Everything that differs, in words; at most a few of each kind."""
    told = [
        *_differing("conversions of", expected.conversions, actual.credited.conversions),
        *_differing("credited to", expected.minor, actual.credited.minor),
        *_differing("order", expected.orders, actual.credited.orders),
        *_differing("rewarded to", _positive(expected.minor), actual.rewarded),
        *_differing("paid to", _positive(expected.minor), actual.paid_minor),
    ]
    if actual.imbalance_minor:
        told.append(f"the ledger is off by {actual.imbalance_minor}")
    return told


def _differing(what: str, expected: Mapping[str, Any], actual: Mapping[str, Any]) -> list[str]:
    names = sorted(expected.keys() | actual.keys())
    differing = [name for name in names if expected.get(name) != actual.get(name)]
    told = [f"{what} {n}: {actual.get(n)} instead of {expected.get(n)}" for n in differing[:5]]
    if len(differing) > len(told):
        told.append(f"{what} {len(differing) - len(told)} more")
    return told


def _positive(amounts: Mapping[str, int]) -> dict[str, int]:
    return {name: amount for name, amount in amounts.items() if amount}


def _rewarded(tape: Tape) -> dict[str, int]:
    newest: dict[str, RewardChanged] = {}
    for heard in tape.of(RewardChanged):
        known = newest.get(heard.data.reward_id)
        if known is None or heard.data.revision > known.revision:
            newest[heard.data.reward_id] = heard.data
    totals: dict[str, int] = defaultdict(int)
    for reward in newest.values():
        totals[reward.beneficiary_id] += reward.paid_minor
    return dict(totals)


def _paid(rewards: Address, channel: str) -> int:
    statement = rewards.get(f"/v1/statements/{channel}")
    assert isinstance(statement, dict)
    return sum(line["paid_minor"] for line in statement["lines"])
