"""Decides on markets' policies and on programs' versions and pauses."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import TypeVar

from shared_schemas.events.programs import (
    AttributionPolicyActivated,
    Cap,
    Eligibility,
    FraudPolicy,
    ProgramEnded,
    ProgramPaused,
    ProgramResumed,
    ProgramStatusChanged,
    ProgramVersionActivated,
    RewardRule,
    Window,
)
from shared_schemas.words import Group

from .amounts import duration_text
from .change import Change, Difference, Kind, created, differences
from .organisation import Limit, Market, Program, Reward
from .state import ProgramState, Status
from .terms import Refused, Terms

_WHEN_AND_WHO = frozenset({"version", "effective_at", "activated_at", "actor"})
_STATUS_EVENTS: Mapping[Status, type[ProgramStatusChanged]] = {
    "active": ProgramResumed,
    "paused": ProgramPaused,
    "ended": ProgramEnded,
}
_Version = TypeVar("_Version", AttributionPolicyActivated, ProgramVersionActivated)


def decide_market(
    versions: Sequence[AttributionPolicyActivated], wanted: Market, terms: Terms
) -> Change | None:
    """The policy version that the document asks for, None if it is in place. Raises Refused."""
    event = _policy(wanted, len(versions) + 1, terms)
    what = f"market {wanted.id}"
    if versions:
        said = differences(what, versions[-1], event, _WHEN_AND_WHO)
        if _in_place(versions[-1], wanted.effective_at, said):
            return None
        _check_order(versions[-1], event)
    else:
        summary = f"{event.currency}, {event.language}, {event.zone}, {event.model} touch"
        said = created(what, f"{summary}, grace {duration_text(event.grace_seconds)}")
    cause_id = f"market/{wanted.id}/{event.version}"
    return Change(kind=Kind.MARKET, id=wanted.id, cause_id=cause_id, event=event, differences=said)


def decide_version(program: ProgramState | None, wanted: Program, terms: Terms) -> Change | None:
    """The program version that the document asks for, None if it is in place. Raises Refused."""
    event = _version(wanted, len(program.versions) + 1 if program else 1, terms)
    what = f"program {wanted.id}"
    if program:
        said = differences(what, program.latest, event, _WHEN_AND_WHO)
        if _in_place(program.latest, wanted.effective_at, said):
            return None
        _check_running(program)
        _check_order(program.latest, event)
    else:
        rules = ", ".join(rule.name for rule in event.rewards)
        summary = f"{event.name!r} for {event.group}s, rewards {rules}"
        said = created(what, f"{summary}, hold {duration_text(event.hold_seconds)}")
    cause_id = f"program/{wanted.id}/{event.version}"
    return Change(kind=Kind.PROGRAM, id=wanted.id, cause_id=cause_id, event=event, differences=said)


def decide_status(
    program_id: str, program: ProgramState, status: Status, terms: Terms
) -> Change | None:
    """Pause, resume or end a program; None if it is so already. Raises Refused after its end."""
    if program.status == status:
        return None
    _check_running(program)
    revision = len(program.statuses) + 1
    return Change(
        kind=Kind.PROGRAM,
        id=program_id,
        cause_id=f"program/{program_id}/status/{revision}",
        event=_STATUS_EVENTS[status](
            program_id=program_id,
            revision=revision,
            effective_at=terms.now,
            reason=terms.reason,
            actor=terms.actor,
        ),
        differences=(Difference(f"program {program_id}: status", program.status, status),),
        reason=terms.reason,
    )


def uncovered(
    program: Sequence[ProgramVersionActivated],
    market: Sequence[AttributionPolicyActivated],
    since: datetime,
) -> tuple[ProgramVersionActivated, AttributionPolicyActivated] | None:
    """Versions that are in force together, after `since`, with a hold shorter than the grace.

    Such a reward could be paid while late facts may still revise the credit.
    """
    for version, version_ends in _in_force(program):
        for policy, policy_ends in _in_force(market):
            begin = max(version.effective_at, policy.effective_at)
            ends = [end for end in (version_ends, policy_ends) if end is not None]
            together = all(begin < end and since < end for end in ends)
            if together and version.hold_seconds < policy.grace_seconds:
                return version, policy
    return None


def _in_force(versions: Sequence[_Version]) -> Iterator[tuple[_Version, datetime | None]]:
    for version, following in zip_longest(versions, versions[1:]):
        yield version, following.effective_at if following else None


def _in_place(
    latest: AttributionPolicyActivated | ProgramVersionActivated,
    effective_at: datetime | None,
    said: Sequence[Difference],
) -> bool:
    if said:
        return False
    if effective_at not in (None, latest.effective_at):
        raise Refused(
            f"version {latest.version} says the same from {latest.effective_at.isoformat()} on;"
            " a version's date cannot be moved: leave effective_at as it was"
        )
    return True


def _check_running(program: ProgramState) -> None:
    if program.status == "ended":
        raise Refused("the program has ended for ever; make a new one under another id")


def _check_order(latest: _Version, event: _Version) -> None:
    if event.effective_at <= latest.effective_at:
        raise Refused(
            f"effective_at {event.effective_at.isoformat()} is in the past of version"
            f" {latest.version}, which takes effect at {latest.effective_at.isoformat()};"
            " give a later effective_at"
        )


def _policy(wanted: Market, version: int, terms: Terms) -> AttributionPolicyActivated:
    windows = sorted(wanted.policy.windows.items())
    return AttributionPolicyActivated(
        market_id=wanted.id,
        version=version,
        effective_at=wanted.effective_at or terms.now,
        activated_at=terms.now,
        currency=wanted.currency,
        language=wanted.language,
        zone=wanted.zone,
        consent_mode=wanted.consent_mode,
        model=wanted.policy.model,
        windows=tuple(
            Window(group=None if group == "default" else Group(group), seconds=seconds)
            for group, seconds in windows
        ),
        grace_seconds=wanted.policy.grace,
        collapse_repeats_seconds=wanted.policy.collapse_repeats,
        unconfirmed_seconds=wanted.policy.unconfirmed,
        actor=terms.actor,
    )


def _version(wanted: Program, version: int, terms: Terms) -> ProgramVersionActivated:
    return ProgramVersionActivated(
        program_id=wanted.id,
        version=version,
        name=wanted.name,
        group=wanted.group,
        effective_at=wanted.effective_at or terms.now,
        activated_at=terms.now,
        hold_seconds=wanted.hold,
        held_expires_seconds=wanted.held_expires,
        eligibility=Eligibility(tiers=wanted.eligibility.tiers, markets=wanted.eligibility.markets),
        rewards=tuple(map(_rule, wanted.rewards)),
        caps=tuple(map(_cap, wanted.caps)),
        fraud=FraudPolicy(
            velocity_limit=wanted.fraud.velocity_limit,
            velocity_window_seconds=wanted.fraud.velocity_window,
            self_referral=wanted.fraud.self_referral,
            duplicate_customer=wanted.fraud.duplicate_customer,
            hold_score=wanted.fraud.hold_score,
            reject_score=wanted.fraud.reject_score,
        ),
        actor=terms.actor,
    )


def _rule(reward: Reward) -> RewardRule:
    return RewardRule(
        name=reward.name,
        triggers=reward.triggers,
        side=reward.side,
        kind=reward.kind,
        rail=reward.rail,
        flat=reward.flat,
        flat_split=reward.flat_split,
        percentage=reward.percentage,
    )


def _cap(limit: Limit) -> Cap:
    return Cap(
        name=limit.name,
        per=limit.per,
        period=limit.period,
        amount=limit.amount,
        rewards=limit.rewards,
    )
