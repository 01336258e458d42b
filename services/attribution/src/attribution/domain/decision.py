"""Who is credited for a conversion, and why everybody else is not."""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace
from shared_schemas.events.attribution import MAX_EVIDENCE
from shared_schemas.money import split
from shared_schemas.states import ConversionState
from shared_schemas.words import AttributionModel, Group

from .book import Book, Policy, policy_for
from .clicks import journey
from .judging import Candidate, Exhibit, Rules, judge
from .reports import Merged, Refunded, not_after
from .values import Identifier, Sighting, Touch
from .wording import next_step, unconfirmed_words, why


class Case(Struct, frozen=True, kw_only=True):
    """All facts of one conversion. `sightings` are those of its persons and of their clicks;
    `touches` is the journey that they all together make, if it is known already.
    """

    merged: Merged
    refunded: Refunded
    members: Set[Identifier]
    sightings: Sequence[Sighting] = ()
    touches: Sequence[Touch] | None = None
    refusals: Set[Identifier] = frozenset()
    look_alike_of: str | None = None
    lapsed: bool = False


class Part(Struct, frozen=True, kw_only=True):
    """One participant's part in one program."""

    participant_id: str
    group: Group
    program_id: str
    program_version: int
    market_id: str
    weight: Fraction
    amount_minor: int
    evidence: tuple[Exhibit, ...]
    evidence_count: int


class Decision(Struct, frozen=True, kw_only=True):
    """The whole outcome, with everything that it takes to explain it."""

    state: ConversionState
    policy_version: int
    model: AttributionModel
    grace_ends_at: datetime
    refunded_minor: int
    parts: tuple[Part, ...] = ()
    refused: tuple[Exhibit, ...] = ()
    refused_count: int = 0
    after_grace_count: int = 0
    look_alike_of: str | None = None
    expires_at: datetime | None = None
    why: str
    next_step: str


def decide(case: Case, book: Book) -> Decision:
    """The decision that all facts heard so far add up to. Raises ValueError without a policy."""
    merged = case.merged
    policies = book.policies.get(merged.market_id, ())
    policy, grace_ends_at = policy_for(policies, merged.occurred_at, merged.first_reported_at)
    if not merged.trusted:
        return _unconfirmed(case, policy, grace_ends_at)
    touches, late = _journey(case, grace_ends_at)
    rules = Rules(
        book=book,
        policy=policy,
        occurred_at=merged.occurred_at,
        known_by=grace_ends_at,
        refusals=case.refusals,
    )
    judged = [judge(touch, rules) for touch in touches]
    candidates, repeats = _collapse(judged, policy.collapse_repeats_seconds)
    counted, superseded = _counted(candidates, policy.model)
    refused = [*(e for e in judged if isinstance(e, Exhibit)), *repeats, *superseded]
    parts = _parts(counted, merged.amount_minor - case.refunded.minor, policy.model)
    state = _state(case.refunded, parts)
    return Decision(
        state=state,
        policy_version=policy.version,
        model=policy.model,
        grace_ends_at=grace_ends_at,
        refunded_minor=case.refunded.minor,
        parts=parts,
        refused=_most_recent(refused),
        refused_count=len(refused),
        after_grace_count=late,
        look_alike_of=case.look_alike_of,
        why=why(len(counted), _most_recent(refused, len(refused)), case.refunded.ignored),
        next_step=next_step(state, grace_ends_at),
    )


def _unconfirmed(case: Case, policy: Policy, grace_ends_at: datetime) -> Decision:
    expires_at = case.merged.first_reported_at + timedelta(seconds=policy.unconfirmed_seconds)
    reason, following = unconfirmed_words(expires_at, lapsed=case.lapsed)
    return Decision(
        state=ConversionState.LAPSED if case.lapsed else ConversionState.UNCONFIRMED,
        policy_version=policy.version,
        model=policy.model,
        grace_ends_at=grace_ends_at,
        refunded_minor=case.refunded.minor,
        expires_at=expires_at,
        why=reason,
        next_step=following,
    )


def _state(refunded: Refunded, parts: Sequence[Part]) -> ConversionState:
    if refunded.whole:
        return ConversionState.REVERSED
    return ConversionState.CREDITED if parts else ConversionState.UNATTRIBUTED


def _journey(case: Case, grace_ends_at: datetime) -> tuple[Sequence[Touch], int]:
    """The touches that were heard in time, the conversion's own included; how many came late."""
    merged = case.merged
    late = [s for s in case.sightings if s.heard.at > grace_ends_at]
    own = any(s.conversion_id == merged.conversion_id for s in case.sightings)
    if case.touches is not None and not (late or own or merged.carried):
        return case.touches, 0
    found = {
        sighting.sighting_id: not_after(sighting, merged.occurred_at)
        if sighting.conversion_id == merged.conversion_id
        else sighting
        for sighting in case.sightings
    }
    for sighting in merged.carried:
        found[sighting.sighting_id] = _as_own(sighting, case)
    in_time = [s for s in found.values() if s.heard.at <= grace_ends_at]
    after = [
        s
        for s in found.values()
        if s.heard.at > grace_ends_at
        and s.identifier in case.members
        and s.at <= merged.occurred_at
    ]
    return journey(in_time, case.members), len(after)


def _as_own(sighting: Sighting, case: Case) -> Sighting:
    """A touch that the conversion carries is its person's, whoever told of it."""
    if sighting.identifier in case.members:
        return sighting
    return replace(sighting, identifier=case.merged.identifiers[0])


def _collapse(
    judged: Iterable[Candidate | Exhibit], within_seconds: int
) -> tuple[list[Candidate], list[Exhibit]]:
    """Candidates, without repeats of a code within some seconds of the touch that stays."""
    within = timedelta(seconds=within_seconds)
    left: list[Candidate] = []
    repeats: list[Exhibit] = []
    for candidate in judged:
        if isinstance(candidate, Exhibit):
            continue
        if within and left and _repeats(left[-1], candidate, within):
            repeats.append(candidate.exhibit("it repeats the touch before it", counted=False))
        else:
            left.append(candidate)
    return left, repeats


def _repeats(before: Candidate, candidate: Candidate, within: timedelta) -> bool:
    one, other = before.touch, candidate.touch
    return one.code == other.code and other.at - one.at <= within


_SUPERSEDED: Mapping[AttributionModel, tuple[int, str]] = {
    AttributionModel.LAST: (-1, "superseded: a later touch counts"),
    AttributionModel.FIRST: (0, "superseded: an earlier touch counts"),
}


def _counted(
    candidates: Sequence[Candidate], model: AttributionModel
) -> tuple[Sequence[Candidate], list[Exhibit]]:
    """The candidates that the model counts, and the others as superseded."""
    if model not in _SUPERSEDED or not candidates:
        return candidates, []
    place, reason = _SUPERSEDED[model]
    chosen = candidates[place]
    others = [c.exhibit(reason, counted=False) for c in candidates if c is not chosen]
    return (chosen,), others


_COUNTS: Mapping[AttributionModel, str] = {
    AttributionModel.LAST: "the last touch before the conversion",
    AttributionModel.FIRST: "the first touch within its window",
    AttributionModel.LINEAR: "every touch counts the same",
}


def _parts(
    counted: Sequence[Candidate], net_minor: int, model: AttributionModel
) -> tuple[Part, ...]:
    """Each (participant, program)'s weight and money; the money sums to `net_minor`."""
    groups: dict[str, list[Candidate]] = {}
    for candidate in counted:
        key = f"{candidate.participant_id}\x1f{candidate.program_id}"
        groups.setdefault(key, []).append(candidate)
    weights = {key: Fraction(len(group), len(counted)) for key, group in groups.items()}
    amounts = split(net_minor, weights) if weights else {}
    assert not amounts or sum(amounts.values()) == net_minor
    return tuple(_part(groups[key], weights[key], amounts[key], model) for key in sorted(groups))


def _part(
    group: Sequence[Candidate], weight: Fraction, amount_minor: int, model: AttributionModel
) -> Part:
    last = group[-1]
    return Part(
        participant_id=last.participant_id,
        group=last.group,
        program_id=last.program_id,
        program_version=last.program_version,
        market_id=last.market_id,
        weight=weight,
        amount_minor=amount_minor,
        evidence=_most_recent(c.exhibit(_COUNTS[model], counted=True) for c in group),
        evidence_count=len(group),
    )


def _most_recent(exhibits: Iterable[Exhibit], most: int = MAX_EVIDENCE) -> tuple[Exhibit, ...]:
    in_order = sorted(exhibits, key=lambda e: (e.touch.at, e.touch.touch_id))
    return tuple(in_order[len(in_order) - min(most, len(in_order)) :])
