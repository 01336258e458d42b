"""Decisions as events, with their revisions: what is as it was before is not said again."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from service_kit.events import Cause
from service_kit.transaction import Transaction
from shared_schemas.events.attribution import (
    MAX_EVIDENCE,
    ConversionCredited,
    ConversionUnattributed,
    Evidence,
    ReferralAdvanced,
    ReferralClosed,
    ReferralOpened,
    Share,
)
from shared_schemas.states import ConversionState, ReferralStage

from ..domain.book import Book
from ..domain.decision import Decision, Part
from ..domain.judging import Exhibit
from ..domain.referrals import Pair, Referral, silent_at
from ..domain.reports import Merged
from ..domain.values import Identifier
from ..domain.wording import occasion_words
from ..store.conversions import Decided, Kept, save_conversions
from .changes import Changes, Note

ReferralIds = Mapping[Pair, str]


class Settled(Struct, frozen=True):
    """A conversion's facts, what stood of it, what is decided now, and why it was looked at."""

    merged: Merged
    kept: Kept
    decision: Decision
    note: Note

    @property
    def whose(self) -> Identifier:
        """The identifier whose person it is credited for."""
        return self.merged.identifiers[0]


async def announce_conversions(
    tx: Transaction, settled: Iterable[tuple[Settled, ReferralIds]], changes: Changes
) -> None:
    """Emit and save every decision that differs in substance from the one before."""
    rows = []
    for one, referral_ids in settled:
        row = _announce(tx, one, referral_ids)
        if row.decision is not None or one.merged.conversion_id in changes.conversions:
            rows.append(row)
    await save_conversions(tx, rows)


def _announce(tx: Transaction, one: Settled, referral_ids: ReferralIds) -> Decided:
    """Emit the decision if it is news; its row in any case."""
    fixed = one.kept.referee_id or (_referee(one.merged) if one.decision.parts else None)
    event = _event_of(one, fixed or _referee(one.merged), referral_ids)
    body = event.to_json().decode()
    news = one.kept.decision is None or _substance(body) != _substance(one.kept.decision)
    if news:
        tx.emit(event, cause=one.note.cause)
        _expect_confirmation(tx, one)
    return Decided(
        merged=one.merged,
        revision=one.kept.revision + news,
        state=one.decision.state,
        referee_id=fixed,
        lapsed=one.kept.lapsed or one.decision.state is ConversionState.LAPSED,
        grace_ends_at=one.decision.grace_ends_at,
        decision=body if news else None,
        decided_at=one.note.cause.now if news else None,
    )


def _substance(body: str) -> dict[str, Any]:
    """A decision without what changes with every telling of it."""
    told: dict[str, Any] = json.loads(body)
    return {name: value for name, value in told.items() if name not in _CIRCUMSTANCES}


_CIRCUMSTANCES = frozenset(("revision", "reason", "after_grace_count"))


def _referee(merged: Merged) -> str:
    return merged.customer_id or merged.conversion_id


def _expect_confirmation(tx: Transaction, one: Settled) -> None:
    """What nobody trusted has told of lapses at its time."""
    expires_at = one.decision.expires_at
    if one.decision.state is ConversionState.UNCONFIRMED and expires_at is not None:
        tx.due("unconfirmed", one.merged.conversion_id, expires_at, cause=one.note.cause)


def _event_of(
    one: Settled, referee_id: str, referral_ids: ReferralIds
) -> ConversionCredited | ConversionUnattributed:
    """The decision as an event of the next revision."""
    merged, decision = one.merged, one.decision
    revision = one.kept.revision + 1
    said = occasion_words(one.note.occasion, first=revision == 1)
    body: dict[str, Any] = {
        "conversion_id": merged.conversion_id,
        "revision": revision,
        "state": decision.state,
        "trigger": merged.trigger,
        "family": merged.family,
        "reference": merged.reference,
        "amount_minor": merged.amount_minor,
        "refunded_minor": decision.refunded_minor,
        "currency": merged.currency,
        "customer_id": merged.customer_id,
        "referee_id": referee_id,
        "product": merged.product,
        "market_id": merged.market_id,
        "occurred_at": merged.occurred_at,
        "first_reported_at": merged.first_reported_at,
        "grace_ends_at": decision.grace_ends_at,
        "policy_version": decision.policy_version,
        "model": decision.model,
        "reason": f"{said}: {decision.why}.",
        "refused": tuple(_evidence(exhibit) for exhibit in decision.refused),
        "refused_count": decision.refused_count,
        "after_grace_count": decision.after_grace_count,
        "look_alike_of": decision.look_alike_of,
        "next_step": decision.next_step,
    }
    if not decision.parts:
        return ConversionUnattributed(**body, expires_at=decision.expires_at)
    shares = tuple(_share(part, referral_ids) for part in decision.parts)
    return ConversionCredited(**body, shares=shares)


def _share(part: Part, referral_ids: ReferralIds) -> Share:
    return Share(
        participant_id=part.participant_id,
        group=part.group,
        program_id=part.program_id,
        program_version=part.program_version,
        market_id=part.market_id,
        referral_id=referral_ids[Pair(part.program_id, part.participant_id)],
        weight=str(part.weight),
        amount_minor=part.amount_minor,
        evidence=tuple(_evidence(exhibit) for exhibit in part.evidence),
        evidence_count=part.evidence_count,
    )


def _evidence(exhibit: Exhibit) -> Evidence:
    touch = exhibit.touch
    return Evidence(
        touch_id=touch.touch_id,
        kind=touch.kind,
        code=touch.code,
        participant_id=exhibit.participant_id,
        at=touch.at,
        counted=exhibit.counted,
        why=exhibit.why,
        trace_id=touch.trace_id,
    )


def announce_referrals(
    tx: Transaction, before: Sequence[Referral], now: Iterable[Referral], cause: Cause, book: Book
) -> None:
    """Emit every referral that moved, and expect something to come of those that only opened."""
    revisions = {referral.referral_id: referral.revision for referral in before}
    for referral in now:
        known = revisions.get(referral.referral_id, 0)
        if referral.revision == known:
            continue
        tx.emit(_event(referral, is_new=not known), cause=cause)
        policies = book.policies.get(referral.market_id, ())
        if referral.stage is ReferralStage.OPENED and policies:
            window = policies[-1].window_of(referral.group)
            tx.due("referral", referral.referral_id, silent_at(referral, window), cause=cause)


def _event(referral: Referral, *, is_new: bool) -> ReferralOpened:
    model = ReferralOpened if is_new else ReferralAdvanced if referral.is_open else ReferralClosed
    return model(
        referral_id=referral.referral_id,
        revision=referral.revision,
        program_id=referral.program_id,
        participant_id=referral.participant_id,
        group=referral.group,
        market_id=referral.market_id,
        stage=referral.stage,
        origin=referral.origin,
        opened_at=referral.opened_at,
        changed_at=referral.changed_at,
        reason=referral.reason,
        record_ids=referral.record_ids,
        conversion_ids=(referral.sale_ids + referral.other_ids)[:MAX_EVIDENCE],
    )
