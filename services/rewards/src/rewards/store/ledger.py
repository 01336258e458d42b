"""The ledger: accounts locked in id order, transfers and entries only ever added."""

from collections.abc import Collection, Sequence

from service_kit.transaction import Transaction

from ..domain.ledger import Account, Balance, LedgerBroken, Transfer, enter
from .rows import Rows

_TRANSFERS = Rows(
    "transfers",
    {
        "transfer_id": "text",
        "reward_id": "text",
        "purpose": "text",
        "amount_minor": "bigint",
        "currency": "text",
        "posted_at": "timestamptz",
        "month": "text",
    },
)
_ENTRIES = Rows(
    "entries",
    {
        "transfer_id": "text",
        "leg": "smallint",
        "account_id": "text",
        "currency": "text",
        "amount_minor": "bigint",
        "previous_minor": "bigint",
        "balance_minor": "bigint",
        "version": "bigint",
    },
    2,
)
_BALANCES = Rows("accounts", {"account_id": "text", "balance_minor": "bigint", "version": "bigint"})

# The update changes nothing: it is what locks the row, or makes it, and reads its newest version.
_LOCK = """
INSERT INTO accounts (account_id, kind, owner, currency)
SELECT account_id, kind, owner, currency
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
    AS wanted (account_id, kind, owner, currency)
 ORDER BY account_id
    ON CONFLICT (account_id) DO UPDATE SET account_id = excluded.account_id
RETURNING account_id, balance_minor, version
"""


async def lock(tx: Transaction, accounts: Collection[Account]) -> dict[str, Balance]:
    """The balances of accounts by id, locked in id order; unknown ones are made, empty."""
    if not accounts:
        return {}
    rows = await tx.fetch(
        _LOCK,
        [account.account_id for account in accounts],
        [account.kind for account in accounts],
        [account.owner for account in accounts],
        [account.currency for account in accounts],
    )
    return {row["account_id"]: Balance(row["balance_minor"], row["version"]) for row in rows}


async def post(
    tx: Transaction, transfers: Sequence[Transfer], balances: dict[str, Balance]
) -> None:
    """Add transfers with their entries on top of locked balances.

    Raises LedgerBroken for a transfer that was there: its decision would be taken twice.
    """
    if not transfers:
        return
    rows = [(t.transfer_id, *_facts(t)) for t in transfers]
    added = await _TRANSFERS.insert_returning(tx, rows)
    if len(added) != len(transfers):
        known = sorted({t.transfer_id for t in transfers} - added)
        raise LedgerBroken(f"transfers were posted before: {', '.join(known[:5])}")
    entries, after = enter(transfers, balances)
    await _ENTRIES.add(tx, entries)
    changed = [(key, b.minor, b.version) for key, b in after.items() if b != balances[key]]
    await _BALANCES.update(tx, changed)


def _facts(transfer: Transfer) -> tuple[object, ...]:
    return (
        transfer.reward_id,
        transfer.purpose,
        transfer.amount_minor,
        transfer.currency,
        transfer.posted_at,
        transfer.month,
    )
