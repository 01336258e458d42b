"""Which rewards a credit earns: rules of the named program versions, applied to shares.

A flat amount scales with refunds and is split by weight over all sharers, or given to each. A
percentage of what a program was credited is rounded half-even once, then split by amounts.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace
from shared_schemas import ids
from shared_schemas.events.programs import RewardRule
from shared_schemas.money import portion, split
from shared_schemas.words import FlatSplit, Side

from .facts import Facts, Version
from .limits import limit_ids
from .values import ONE, Credit, Share, Terms, money_text


class Planned(Struct, frozen=True, kw_only=True):
    """A reward that a credit earns, or the reason why somebody who shares in it earns none."""

    terms: Terms
    amount_minor: int
    lines: tuple[str, ...]
    refusal: str | None = None


class _Setting(Struct, frozen=True):
    """Everything that a rule is applied in."""

    conversion_id: str
    credit: Credit
    facts: Facts
    shares: tuple[Share, ...]

    def version(self, share: Share) -> Version:
        return self.facts.version(share.program_id, share.program_version)


def plan(conversion_id: str, credit: Credit, facts: Facts) -> tuple[Planned, ...]:
    """The rewards of a credit, by reward id. The facts it needs must be there."""
    setting = _Setting(conversion_id, credit, facts, _merged(credit.shares))
    planned = [*_referrers(setting), *_referee(setting)]
    return tuple(sorted(planned, key=lambda one: one.terms.reward_id))


def refusal(share: Share, credit: Credit, facts: Facts) -> str | None:
    """Why a participant may not earn, judged by what was true when the conversion occurred."""
    eligibility = facts.version(share.program_id, share.program_version).eligibility
    period = facts.period(share.participant_id, credit.occurred_at)
    if not period.active:
        return "the participant was not active when this occurred"
    if eligibility.tiers and period.tier not in eligibility.tiers:
        return f"tier {period.tier} is not among {', '.join(eligibility.tiers)}"
    if eligibility.markets and period.market_id not in eligibility.markets:
        return f"market {period.market_id} is not among {', '.join(eligibility.markets)}"
    return None


def _merged(shares: Sequence[Share]) -> tuple[Share, ...]:
    """One share per participant and program; those of no weight earn nothing."""
    merged: dict[str, Share] = {}
    for share in shares:
        if share.weight <= 0:
            continue
        known = merged.get(share.key)
        merged[share.key] = share if known is None else _together(known, share)
    return tuple(merged[key] for key in sorted(merged))


def _together(one: Share, other: Share) -> Share:
    return replace(
        max(one, other, key=lambda share: share.program_version),
        weight=one.weight + other.weight,
        amount_minor=one.amount_minor + other.amount_minor,
    )


def _rules(version: Version, side: Side, credit: Credit) -> Iterator[RewardRule]:
    for rule in version.rules:
        if rule.side is not side or credit.trigger not in rule.triggers:
            continue
        if rule.flat is not None or (rule.percentage is not None and credit.currency is not None):
            yield rule


def _referrers(setting: _Setting) -> Iterator[Planned]:
    programs: dict[str, list[Share]] = {}
    for share in setting.shares:
        programs.setdefault(share.program_id, []).append(share)
    for shares in programs.values():
        newest = max(shares, key=lambda share: share.program_version)
        for rule in _rules(setting.version(newest), Side.REFERRER, setting.credit):
            amounts = _amounts(rule, setting, shares)
            for share in shares:
                yield _planned(setting, rule, share, amounts[share.key])


def _amounts(rule: RewardRule, setting: _Setting, shares: Sequence[Share]) -> Mapping[str, int]:
    """What each of a program's sharers earns by a rule, by the share's key."""
    if rule.flat is None:
        total = portion(sum(s.amount_minor for s in shares), Fraction(rule.percentage or 0))
        return _split(total, {s.key: Fraction(s.amount_minor) for s in shares})
    whole = portion(rule.flat.amount_minor, setting.credit.net_ratio)
    if rule.flat_split is FlatSplit.EACH:
        return {s.key: whole for s in shares}
    return _split(whole, {s.key: s.weight for s in setting.shares})


def _split(amount_minor: int, weights: Mapping[str, Fraction]) -> Mapping[str, int]:
    if len(weights) == 1 or amount_minor == 0:
        return dict.fromkeys(weights, amount_minor)
    return split(amount_minor, weights)


def _referee(setting: _Setting) -> Iterator[Planned]:
    """The referee is rewarded once, by the eligible program with the largest share."""
    weights: dict[str, Fraction] = {}
    for share in setting.shares:
        if refusal(share, setting.credit, setting.facts) is None:
            weights[share.program_id] = weights.get(share.program_id, Fraction(0)) + share.weight
    if not weights:
        return
    payer = min(weights, key=lambda program_id: (-weights[program_id], program_id))
    first = min(
        (s for s in setting.shares if s.program_id == payer), key=lambda s: (-s.weight, s.key)
    )
    for rule in _rules(setting.version(first), Side.REFEREE, setting.credit):
        if rule.flat is None:
            amount = portion(setting.credit.net_minor, Fraction(rule.percentage or 0))
        else:
            amount = portion(rule.flat.amount_minor, setting.credit.net_ratio)
        yield _planned(setting, rule, first, amount)


def _planned(setting: _Setting, rule: RewardRule, share: Share, amount_minor: int) -> Planned:
    why_not = refusal(share, setting.credit, setting.facts)
    amount = 0 if why_not else amount_minor
    terms = _terms(setting, rule, share)
    return Planned(
        terms=terms,
        amount_minor=amount,
        lines=_lines(setting.credit, rule, share, money_text(amount, terms.currency)),
        refusal=why_not,
    )


def _terms(setting: _Setting, rule: RewardRule, share: Share) -> Terms:
    credit = setting.credit
    beneficiary_id = share.participant_id if rule.side is Side.REFERRER else credit.referee_id
    zone = setting.facts.zone(share.market_id, credit.occurred_at)
    terms = Terms(
        reward_id=ids.reward_id(
            share.program_id, rule.name, setting.conversion_id, beneficiary_id, rule.side.value
        ),
        beneficiary_id=beneficiary_id,
        side=rule.side,
        participant_id=share.participant_id,
        group=share.group,
        conversion_id=setting.conversion_id,
        referral_id=share.referral_id,
        program_id=share.program_id,
        program_version=share.program_version,
        rule_name=rule.name,
        trigger=credit.trigger,
        kind=rule.kind,
        rail=rule.rail,
        market_id=share.market_id,
        zone=zone,
        currency=rule.flat.currency if rule.flat is not None else str(credit.currency),
        occurred_at=credit.occurred_at,
    )
    caps = setting.version(share).caps
    return replace(terms, limit_ids=limit_ids(terms, caps)) if caps else terms


def _lines(credit: Credit, rule: RewardRule, share: Share, amount: str) -> tuple[str, ...]:
    """The arithmetic in plain words."""
    what = str(rule.flat) if rule.flat is not None else f"{rule.percentage} of the credited value"
    lines = [
        f"Rule {rule.name} of program {share.program_id}, version {share.program_version}, "
        f"gives the {rule.side.value} {what} for {credit.trigger.value}: {amount}."
    ]
    if share.weight != ONE:
        lines.append(f"Participant {share.participant_id} has {share.weight} of the conversion.")
    if credit.net_ratio != ONE:
        lines.append(f"Refunds leave {credit.net_ratio} of the conversion.")
    return tuple(lines)
