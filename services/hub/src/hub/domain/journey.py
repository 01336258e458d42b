"""The journey of one conversion: every step with its state, reason, evidence and next step.

Nothing is decided or computed anew here: each sentence was stored with the decision it tells of.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .stages import MESSAGE_TONES, TONES, Check, Evidence, Fact, Share, Stage, Tone

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Journey:
    """A conversion and all its stages, in the order in which they follow from each other."""

    conversion: Body
    stages: tuple[Stage, ...]

    def of(self, name: str) -> list[Stage]:
        """The stages of one name."""
        return [stage for stage in self.stages if stage.name == name]


def journey(documents: Iterable[Body]) -> Journey | None:
    """The journey out of the newest documents of one conversion; None without the conversion.

    Each document is `{"kind", "id", "at", "body"}`; their order does not matter.
    """
    kinds: dict[str, list[Body]] = {}
    for document in documents:
        kinds.setdefault(document["kind"], []).append(document)
    if "conversion" not in kinds:
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
    shares: Sequence[Body] = body.get("shares", ())
    seen = [item for share in shares for item in share.get("evidence", ())]
    seen = sorted([*seen, *body.get("refused", ())], key=lambda e: (_time(e["at"]), e["touch_id"]))
    if not seen:
        return []
    counted = sum(share["evidence_count"] for share in shares)
    looked_at = counted + body.get("refused_count", 0)
    return [
        Stage(
            name="touches",
            id=document["id"],
            state=None,
            tone=Tone.GOOD if counted else Tone.STOPPED,
            at=_time(seen[0]["at"]),
            facts=(Fact("touches_counted", f"{counted} / {looked_at}"),),
            evidence=tuple(_evidence(item) for item in seen),
        )
    ]


def _evidence(item: Body) -> Evidence:
    return Evidence(
        item["kind"],
        item["code"],
        item.get("participant_id"),
        _time(item["at"]),
        item["why"],
        item["counted"],
    )


def _credit(document: Body) -> Stage:
    body = document["body"]
    facts = [
        Fact("model", body["model"]),
        Fact("policy", str(body["policy_version"])),
        Fact("grace", _time(body["grace_ends_at"])),
    ]
    if body.get("refunded_minor"):
        facts.append(Fact("refunded", body["refunded_minor"], body.get("currency")))
    if body.get("after_grace_count"):
        facts.append(Fact("after_grace", body["after_grace_count"]))
    if body.get("look_alike_of"):
        facts.append(Fact("look_alike_of", body["look_alike_of"]))
    return Stage(
        name="credit",
        id=document["id"],
        state=body["state"],
        tone=TONES[body["state"]],
        at=document["at"],
        reason=body["reason"],
        next_step=body["next_step"],
        next_at=_optional_time(body.get("expires_at")),
        revision=body["revision"],
        facts=tuple(facts),
        shares=tuple(_share(share) for share in body.get("shares", ())),
        currency=body.get("currency"),
    )


def _share(share: Body) -> Share:
    program = f"{share['program_id']} {share['program_version']}" if "program_id" in share else None
    return Share(share["participant_id"], share["weight"], share["amount_minor"], program)


def _verdict(document: Body) -> Stage:
    body = document["body"]
    named = {"score": body.get("score"), "rules": body.get("rules_version")}
    named |= {"credit_revision": body.get("credit_revision"), "reviewer": body.get("reviewer")}
    checks = [
        Check(c["name"], c.get("points"), c.get("why")) for c in body.get("contributions", ())
    ]
    against = [check for check in checks if check.points or check.name == "review"] or checks
    return Stage(
        name="fraud",
        id=document["id"],
        state=body["state"],
        tone=TONES[body["state"]],
        at=document["at"],
        reason=" ".join(check.why for check in against if check.why),
        next_step=body["next_step"],
        next_at=_optional_time(body.get("review_due_at")),
        revision=body["verdict_revision"],
        facts=tuple(Fact(name, value) for name, value in named.items() if value is not None),
        checks=tuple(checks),
        against=tuple(against),
    )


def _reward(document: Body) -> Stage:
    body = document["body"]
    facts = [
        Fact("beneficiary", body["beneficiary_id"]),
        Fact("side", body["side"]),
        Fact("rule", body["rule_name"]),
        Fact("program_version", f"{body['program_id']} {body['program_version']}"),
        Fact("hold", _time(body["hold_ends_at"])),
    ]
    facts += [
        Fact(name, body[f"{name}_minor"], body["currency"])
        for name in ("paid", "netted", "reversed")
        if body.get(f"{name}_minor")
    ]
    return Stage(
        name="reward",
        id=document["id"],
        state=body["state"],
        tone=TONES[body["state"]],
        at=document["at"],
        reason=body["reason"],
        next_step=body["next_step"],
        next_at=_optional_time(body.get("next_at")),
        revision=body["revision"],
        facts=tuple(facts),
        lines=tuple(body.get("explanation", ())),
        amount_minor=body["amount_minor"],
        paid_minor=body.get("paid_minor", 0),
        currency=body["currency"],
    )


def _payout(document: Body) -> Stage:
    body = document["body"]
    facts = [Fact("beneficiary", body["beneficiary_id"]), Fact("rail", body["rail"])]
    if body.get("provider_reference"):
        facts.append(Fact("provider_reference", body["provider_reference"]))
    return Stage(
        name="payout",
        id=document["id"],
        about=body["reward_id"],
        state=body["state"],
        tone=TONES[body["state"]],
        at=document["at"],
        reason=body.get("reason", ""),
        revision=body["revision"],
        facts=tuple(facts),
        amount_minor=body["amount_minor"],
        currency=body["currency"],
    )


def _message(document: Body) -> Stage:
    body = document["body"]
    facts = [Fact(name, body[name]) for name in ("channel", "subject", "attempts")]
    facts.insert(1, Fact("topic", _topic(body["template"])))
    return Stage(
        name="message",
        id=document["id"],
        state=body["state"],
        tone=MESSAGE_TONES[body["state"]],
        at=document["at"],
        reason=body.get("reason", ""),
        revision=body["revision"],
        facts=tuple(facts),
    )


def _topic(template: str) -> str:
    """The state that a message tells of: `approved` for `reward.approved.v1/referrer`."""
    event_type = template.partition("/")[0].removeprefix("reward.")
    return event_type.partition(".")[0]


def _by_side(document: Body) -> tuple[bool, str, str]:
    body = document["body"]
    return body["side"] != "referrer", body["beneficiary_id"], document["id"]


def _by_time(document: Body) -> tuple[datetime, str]:
    return document["at"], document["id"]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _optional_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
