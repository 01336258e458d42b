"""The journey of one conversion: every step with its decision, reason, evidence, next step.

Nothing is decided or computed anew here: each sentence was stored with the decision it tells of.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared_schemas.states import ConversionState, PayoutState, RewardState, VerdictState

Body = Mapping[str, Any]

_STOPPED_REWARDS = {
    RewardState.DECLINED,
    RewardState.EXPIRED,
    RewardState.CLAWED_BACK,
    RewardState.HELD,
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was looked at, and what became of it."""

    what: str
    at: datetime | None
    why: str
    counted: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the journey, as it stands now. `stopped`: here it went no further."""

    name: str
    state: str
    at: datetime | None
    decision: str
    reason: str
    evidence: tuple[Evidence, ...] = ()
    lines: tuple[str, ...] = ()
    next_step: str = ""
    next_at: datetime | None = None
    stopped: bool = False
    revision: int = 1
    amount: int | None = None  # minor units of `currency`
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Journey:
    """All stages, and the first one that stopped it, if any did."""

    conversion: Body
    stages: tuple[Stage, ...]

    @property
    def stopped_at(self) -> Stage | None:
        """The first stage at which nothing more came of it."""
        return next((stage for stage in self.stages if stage.stopped), None)


def journey(documents: Iterable[Body]) -> Journey | None:
    """The journey out of the newest documents of one conversion; None without the conversion.

    Each document is `{"kind", "at", "body"}`; their order does not matter.
    """
    kinds: dict[str, list[Body]] = {}
    for document in documents:
        kinds.setdefault(document["kind"], []).append(document)
    if not kinds.get("conversion"):
        return None
    conversion = kinds["conversion"][0]
    stages = [*_touches(conversion), _credit(conversion)]
    stages += [_verdict(verdict) for verdict in kinds.get("verdict", [])]
    stages += [_reward(reward) for reward in sorted(kinds.get("reward", []), key=_by_side)]
    stages += [_payout(payout) for payout in sorted(kinds.get("payout", []), key=_by_time)]
    stages += [_message(message) for message in sorted(kinds.get("message", []), key=_by_time)]
    return Journey(conversion["body"], tuple(stages))


def _touches(document: Body) -> list[Stage]:
    body = document["body"]
    counted = [e for share in body.get("shares", []) for e in share.get("evidence", [])]
    seen = sorted([*counted, *body.get("refused", [])], key=lambda e: (e["at"], e["touch_id"]))
    if not seen:
        return []
    return [
        Stage(
            name="touches",
            state=f"{len(counted)}/{len(seen)}",
            at=_time(seen[0]["at"]),
            decision=f"{len(counted)} of {len(seen)} counted",
            reason="",
            evidence=tuple(_evidence(item) for item in seen),
        )
    ]


def _evidence(item: Body) -> Evidence:
    whose = item.get("participant_id") or "nobody known"
    what = f"{item['kind']} of {item['code']} ({whose})"
    return Evidence(what, _time(item["at"]), item["why"], item["counted"])


def _credit(document: Body) -> Stage:
    body = document["body"]
    shares = body.get("shares", [])
    return Stage(
        name="credit",
        state=body["state"],
        at=document["at"],
        decision=", ".join(f"{s['participant_id']} {s['weight']}" for s in shares) or "nobody",
        reason=body["reason"],
        lines=tuple(_share_line(body, share) for share in shares),
        next_step=body["next_step"],
        next_at=_time(body.get("expires_at")),
        stopped=body["state"] != ConversionState.CREDITED
        and body["state"] != ConversionState.REVERSED,
        revision=body["revision"],
    )


def _share_line(body: Body, share: Body) -> str:
    return (
        f"{share['participant_id']}: {share['weight']} by {body['model']} touch of policy version "
        f"{body['policy_version']}, program {share['program_id']} version "
        f"{share['program_version']}"
    )


def _verdict(document: Body) -> Stage:
    body = document["body"]
    reasons = [
        f"{item['points']} {item['name']}: {item['why']}" for item in body.get("contributions", [])
    ]
    return Stage(
        name="fraud",
        state=body["state"],
        at=document["at"],
        decision=f"score {body['score']}",
        reason="; ".join(reasons) or "nothing speaks against it",
        lines=(f"rules {body['rules_version']}, credit revision {body['credit_revision']}",),
        next_step=body["next_step"],
        next_at=_time(body.get("review_due_at")),
        stopped=body["state"] != VerdictState.CLEARED,
        revision=body["verdict_revision"],
    )


def _reward(document: Body) -> Stage:
    body = document["body"]
    return Stage(
        name="reward",
        state=body["state"],
        at=document["at"],
        decision=f"{body['side']} {body['beneficiary_id']}",
        reason=body["reason"],
        lines=tuple(body.get("explanation", [])),
        next_step=body["next_step"],
        next_at=_time(body.get("next_at")),
        stopped=body["state"] in _STOPPED_REWARDS,
        revision=body["revision"],
        amount=body["amount_minor"],
        currency=body["currency"],
    )


def _payout(document: Body) -> Stage:
    body = document["body"]
    reference = body.get("provider_reference")
    return Stage(
        name="payout",
        state=body["state"],
        at=document["at"],
        decision=body["rail"],
        reason=body.get("reason") or (f"reference {reference}" if reference else ""),
        stopped=body["state"] == PayoutState.FAILED,
        revision=body["revision"],
        amount=body["amount_minor"],
        currency=body["currency"],
    )


def _message(document: Body) -> Stage:
    body = document["body"]
    return Stage(
        name="message",
        state=body["state"],
        at=document["at"],
        decision=f"{body['channel']} to {body['subject']}",
        reason=body.get("reason") or body["template"],
        revision=body["revision"],
    )


def totals(rewards: Sequence[Body]) -> dict[str, dict[str, int]]:
    """Per currency, what is pending, approved, paid, reversed: the sum of rewards' own sums."""
    sums: dict[str, dict[str, int]] = {}
    for body in rewards:
        of_currency = sums.setdefault(body["currency"], dict.fromkeys(_SUMMED, 0))
        for name in _SUMMED:
            of_currency[name] += body.get(f"{name}_minor", 0)
    return sums


_SUMMED = ("pending", "approved", "paid", "reversed", "netted")


def _by_side(document: Body) -> tuple[bool, str]:
    return document["body"]["side"] != "referrer", document["body"]["beneficiary_id"]


def _by_time(document: Body) -> tuple[datetime, str]:
    return document["at"], str(document["body"])


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
