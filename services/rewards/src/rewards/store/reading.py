"""What operators read: rewards with their history, conversions, statements, the ledger's check."""

import json
from collections.abc import Sequence
from typing import Any

import asyncpg
from service_kit.transaction import Transaction

Row = dict[str, Any]

_REWARD = """
SELECT reward_id, conversion_id, beneficiary_id, side, participant_id, referral_id, program_id,
       program_version, rule_name, trigger, kind, rail, market_id, currency, occurred_at, revision,
       state, credit_revision, hold_ends_at, amount_minor, pending_minor, approved_minor,
       paid_minor, reversed_minor, netted_minor, payout_id, reason
  FROM rewards
"""
_STEPS = """
SELECT revision, event_type, state, amount_minor, decided_at, reason, explanation, next_step,
       next_at, transfer_ids
  FROM reward_steps
 WHERE reward_id = $1
 ORDER BY revision
"""
_TRANSFERS = """
SELECT t.transfer_id, t.purpose, t.amount_minor, t.currency, t.posted_at,
       source.account_id AS source, target.account_id AS target
  FROM transfers t
  JOIN entries source ON source.transfer_id = t.transfer_id AND source.leg = 1
  JOIN entries target ON target.transfer_id = t.transfer_id AND target.leg = 2
 WHERE t.reward_id = $1
 ORDER BY t.posted_at, target.version, t.transfer_id
"""
_PAYOUTS = """
SELECT payout_id, state, rail, amount_minor, currency, attempts, provider_reference, reason,
       requested_at, changed_at, due_at AS next_at
  FROM payouts
 WHERE reward_id = $1
 ORDER BY requested_at, payout_id
"""
_CONVERSION = """
SELECT conversion_id, credit_revision, amount_minor, refunded_minor, currency, verdict_state,
       verdict_line, hold_ends_at, hold_ended_at, resolved_at
  FROM conversions
 WHERE conversion_id = $1
"""
_STATEMENT = """
SELECT t.currency, t.month,
       sum(CASE t.purpose WHEN 'hold' THEN t.amount_minor WHEN 'release' THEN -t.amount_minor
           ELSE 0 END)::bigint AS pending_minor,
       sum(t.amount_minor) FILTER (WHERE t.purpose = 'post')::bigint AS approved_minor,
       sum(t.amount_minor) FILTER (WHERE t.purpose = 'settle')::bigint AS paid_minor,
       sum(t.amount_minor) FILTER (WHERE t.purpose IN ('reverse', 'claw_back'))::bigint
           AS reversed_minor,
       sum(t.amount_minor) FILTER (WHERE t.purpose = 'net')::bigint AS netted_minor
  FROM transfers t
  JOIN rewards r ON r.reward_id = t.reward_id
 WHERE r.beneficiary_id = $1
 GROUP BY t.currency, t.month
 ORDER BY t.currency, t.month
"""


async def reward(tx: Transaction, reward_id: str) -> Row | None:
    """One reward, None if there is none of this id."""
    row = await tx.fetchrow(f"{_REWARD} WHERE reward_id = $1", reward_id)
    return dict(row) if row is not None else None


async def rewards_of(tx: Transaction, conversion_id: str) -> list[Row]:
    """The rewards of a conversion."""
    rows = await tx.fetch(f"{_REWARD} WHERE conversion_id = $1 ORDER BY reward_id", conversion_id)
    return [dict(row) for row in rows]


async def conversion(tx: Transaction, conversion_id: str) -> Row | None:
    """How far a conversion is, None if nothing was heard of it."""
    row = await tx.fetchrow(_CONVERSION, conversion_id)
    return dict(row) if row is not None else None


async def steps(tx: Transaction, reward_id: str) -> list[Row]:
    """A reward's history, oldest first, in the words of each decision."""
    rows = await tx.fetch(_STEPS, reward_id)
    return [
        dict(row)
        | {
            "explanation": json.loads(row["explanation"]),
            "transfer_ids": json.loads(row["transfer_ids"]),
        }
        for row in rows
    ]


async def transfers(tx: Transaction, reward_id: str) -> list[Row]:
    """A reward's transfers, oldest first."""
    return _rows(await tx.fetch(_TRANSFERS, reward_id))


async def payouts(tx: Transaction, reward_id: str) -> list[Row]:
    """A reward's payouts, oldest first."""
    return _rows(await tx.fetch(_PAYOUTS, reward_id))


async def statement(tx: Transaction, beneficiary_id: str) -> list[Row]:
    """A beneficiary's money by currency and month, from the ledger."""
    rows = await tx.fetch(_STATEMENT, beneficiary_id)
    return [{key: 0 if value is None else value for key, value in row.items()} for row in rows]


async def balances(tx: Transaction, beneficiary_id: str) -> list[Row]:
    """A beneficiary's accounts."""
    return _rows(
        await tx.fetch(
            """
            SELECT kind, currency, balance_minor
              FROM accounts
             WHERE account_id IN (
                   SELECT kind || '/' || $1 || '/' || currency
                     FROM unnest(ARRAY['pending', 'available', 'receivable']) AS kind,
                          (SELECT DISTINCT currency FROM rewards WHERE beneficiary_id = $1) AS used)
             ORDER BY currency, kind
            """,
            beneficiary_id,
        )
    )


async def imbalance(tx: Transaction) -> dict[str, int]:
    """The sum of all entries by currency: zero each."""
    rows = await tx.fetch("SELECT currency, imbalance_minor FROM ledger_imbalance() ORDER BY 1")
    return {row["currency"]: int(row["imbalance_minor"]) for row in rows}


async def broken_accounts(tx: Transaction) -> list[Row]:
    """Accounts whose balance does not follow from their entries, or from their rewards: none."""
    rows = await tx.fetch(
        """
        SELECT account_id, problem FROM ledger_broken_accounts()
         UNION ALL
        SELECT account_id, problem FROM ledger_unexplained_accounts()
         ORDER BY 1, 2
         LIMIT 100
        """
    )
    return _rows(rows)


async def broken_rewards(tx: Transaction) -> list[Row]:
    """Rewards whose amounts do not follow from their own transfers: none."""
    return _rows(
        await tx.fetch(
            "SELECT reward_id, problem FROM ledger_broken_rewards() ORDER BY 1, 2 LIMIT 100"
        )
    )


async def broken_limits(tx: Transaction) -> list[Row]:
    """Limits whose totals do not follow from their claims, and these from the rewards: none."""
    return _rows(
        await tx.fetch("SELECT limit_id, problem FROM limits_miscounted() ORDER BY 1, 2 LIMIT 100")
    )


def _rows(rows: Sequence[asyncpg.Record]) -> list[Row]:
    return [dict(row) for row in rows]
