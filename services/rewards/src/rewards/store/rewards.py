"""Rewards and their steps. Whoever reads or writes them has locked their conversion."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

import asyncpg
from service_kit.transaction import Transaction
from shared_schemas.states import RewardState
from shared_schemas.words import Group, Rail, RewardKind, Side, Trigger

from ..domain.steps import Step
from ..domain.values import Reward, Terms
from .rows import Rows

_ROWS = Rows(
    "rewards",
    {
        "reward_id": "text",
        "beneficiary_id": "text",
        "side": "text",
        "participant_id": "text",
        "group": "text",
        "conversion_id": "text",
        "referral_id": "text",
        "program_id": "text",
        "program_version": "integer",
        "rule_name": "text",
        "trigger": "text",
        "kind": "text",
        "rail": "text",
        "market_id": "text",
        "zone": "text",
        "currency": "text",
        "occurred_at": "timestamptz",
        "limit_ids": "text",
        "revision": "integer",
        "state": "text",
        "credit_revision": "integer",
        "hold_ends_at": "timestamptz",
        "amount_minor": "bigint",
        "basis_minor": "bigint",
        "pending_minor": "bigint",
        "approved_minor": "bigint",
        "paid_minor": "bigint",
        "reversed_minor": "bigint",
        "netted_minor": "bigint",
        "available_minor": "bigint",
        "clearing_minor": "bigint",
        "payouts": "integer",
        "payout_id": "text",
        "reason": "text",
        "basis": "text",
    },
)
_STEPS = Rows(
    "reward_steps",
    {
        "reward_id": "text",
        "revision": "integer",
        "event_type": "text",
        "state": "text",
        "amount_minor": "bigint",
        "decided_at": "timestamptz",
        "reason": "text",
        "explanation": "text",
        "next_step": "text",
        "next_at": "timestamptz",
        "transfer_ids": "text",
    },
    2,
)
_NAMES = ", ".join(f'"{name}"' for name in _ROWS.columns)
_LOAD = f"SELECT {_NAMES} FROM rewards WHERE conversion_id = ANY($1::text[])"  # noqa: S608, names are constants


async def load(tx: Transaction, conversion_ids: Iterable[str]) -> dict[str, dict[str, Reward]]:
    """The rewards of locked conversions, by conversion and reward id."""
    wanted = sorted(conversion_ids)
    found: defaultdict[str, dict[str, Reward]] = defaultdict(dict)
    if wanted:
        for row in await tx.fetch(_LOAD, wanted):
            found[row["conversion_id"]][row["reward_id"]] = _reward(row)
    return found


async def add(tx: Transaction, rewards: Sequence[Reward]) -> None:
    """Write rewards that are new."""
    await _ROWS.add(tx, [_row(reward) for reward in rewards])


async def save(tx: Transaction, rewards: Sequence[Reward]) -> None:
    """Write rewards that were there."""
    await _ROWS.update(tx, [_row(reward) for reward in rewards])


async def save_steps(tx: Transaction, steps: Sequence[Step]) -> None:
    """Keep the words and transfers of each step."""
    await _STEPS.add(tx, [_step_row(step) for step in steps])


def _row(reward: Reward) -> tuple[object, ...]:
    return (
        *_terms_row(reward.terms),
        reward.revision,
        reward.state,
        reward.credit_revision,
        reward.hold_ends_at,
        reward.amount_minor,
        reward.basis_minor,
        reward.pending_minor,
        reward.approved_minor,
        reward.paid_minor,
        reward.reversed_minor,
        reward.netted_minor,
        reward.available_minor,
        reward.clearing_minor,
        reward.payouts,
        reward.payout_id,
        reward.reason,
        json.dumps(reward.basis),
    )


def _terms_row(terms: Terms) -> tuple[object, ...]:
    return (
        terms.reward_id,
        terms.beneficiary_id,
        terms.side,
        terms.participant_id,
        terms.group,
        terms.conversion_id,
        terms.referral_id,
        terms.program_id,
        terms.program_version,
        terms.rule_name,
        terms.trigger,
        terms.kind,
        terms.rail,
        terms.market_id,
        terms.zone,
        terms.currency,
        terms.occurred_at,
        json.dumps(terms.limit_ids),
    )


def _step_row(step: Step) -> tuple[object, ...]:
    reward, change = step.reward, step.change
    return (
        reward.reward_id,
        reward.revision,
        change.event.TYPE,
        reward.state,
        reward.amount_minor,
        change.at,
        change.reason,
        json.dumps([*reward.basis, *change.lines]),
        change.next_step,
        change.next_at,
        json.dumps([transfer.transfer_id for transfer in step.transfers]),
    )


def _reward(row: asyncpg.Record) -> Reward:
    return Reward(
        terms=_terms(row),
        revision=row["revision"],
        state=RewardState(row["state"]),
        credit_revision=row["credit_revision"],
        hold_ends_at=row["hold_ends_at"],
        amount_minor=row["amount_minor"],
        basis_minor=row["basis_minor"],
        pending_minor=row["pending_minor"],
        approved_minor=row["approved_minor"],
        paid_minor=row["paid_minor"],
        reversed_minor=row["reversed_minor"],
        netted_minor=row["netted_minor"],
        available_minor=row["available_minor"],
        clearing_minor=row["clearing_minor"],
        payouts=row["payouts"],
        payout_id=row["payout_id"],
        reason=row["reason"],
        basis=tuple(json.loads(row["basis"])),
    )


def _terms(row: asyncpg.Record) -> Terms:
    return Terms(
        reward_id=row["reward_id"],
        beneficiary_id=row["beneficiary_id"],
        side=Side(row["side"]),
        participant_id=row["participant_id"],
        group=Group(row["group"]),
        conversion_id=row["conversion_id"],
        referral_id=row["referral_id"],
        program_id=row["program_id"],
        program_version=row["program_version"],
        rule_name=row["rule_name"],
        trigger=Trigger(row["trigger"]),
        kind=RewardKind(row["kind"]),
        rail=Rail(row["rail"]),
        market_id=row["market_id"],
        zone=row["zone"],
        currency=row["currency"],
        occurred_at=row["occurred_at"],
        limit_ids=tuple(json.loads(row["limit_ids"])),
    )
