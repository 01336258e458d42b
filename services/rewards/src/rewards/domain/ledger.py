"""Double entry: every movement is a transfer of two legs that sum to zero.

budget → pending → available → clearing → paid out; what a beneficiary owes back is its receivable,
which is never above zero. The budget has no floor: what it lacks is what the programs have cost.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct
from shared_schemas import ids

from .values import Terms


class AccountKind(StrEnum):
    """Whose money, and how far it has come."""

    BUDGET = "budget"
    PENDING = "pending"
    AVAILABLE = "available"
    RECEIVABLE = "receivable"
    CLEARING = "clearing"
    PAID_OUT = "paid_out"


class Purpose(StrEnum):
    """Why money moves."""

    HOLD = "hold"
    RELEASE = "release"
    POST = "post"
    NET = "net"
    PAYOUT = "payout"
    SETTLE = "settle"
    RETURN = "return"
    REVERSE = "reverse"
    CLAW_BACK = "claw_back"


class Route(Struct, frozen=True):
    """From where to where a purpose moves money, and what that does to a reward's amounts."""

    source: AccountKind
    target: AccountKind
    effects: tuple[tuple[str, int], ...]


_K = AccountKind
ROUTES: Mapping[Purpose, Route] = {
    Purpose.HOLD: Route(_K.BUDGET, _K.PENDING, (("pending_minor", 1),)),
    Purpose.RELEASE: Route(_K.PENDING, _K.BUDGET, (("pending_minor", -1),)),
    Purpose.POST: Route(_K.PENDING, _K.AVAILABLE, (("approved_minor", 1), ("available_minor", 1))),
    Purpose.NET: Route(_K.AVAILABLE, _K.RECEIVABLE, (("available_minor", -1), ("netted_minor", 1))),
    Purpose.PAYOUT: Route(
        _K.AVAILABLE, _K.CLEARING, (("available_minor", -1), ("clearing_minor", 1))
    ),
    Purpose.SETTLE: Route(_K.CLEARING, _K.PAID_OUT, (("clearing_minor", -1), ("paid_minor", 1))),
    Purpose.RETURN: Route(
        _K.CLEARING, _K.AVAILABLE, (("clearing_minor", -1), ("available_minor", 1))
    ),
    Purpose.REVERSE: Route(
        _K.AVAILABLE, _K.BUDGET, (("available_minor", -1), ("reversed_minor", 1))
    ),
    Purpose.CLAW_BACK: Route(_K.RECEIVABLE, _K.BUDGET, (("reversed_minor", 1),)),
}


class Account(Struct, frozen=True):
    """One account: its owner is a program, a beneficiary or a rail."""

    kind: AccountKind
    owner: str
    currency: str

    @property
    def account_id(self) -> str:
        """Readable, and unique: kinds have no slash and currencies have three letters."""
        return f"{self.kind.value}/{self.owner}/{self.currency}"


class Transfer(Struct, frozen=True, kw_only=True):
    """One movement. `month` is that of `posted_at` in the market's zone."""

    transfer_id: str
    reward_id: str
    purpose: Purpose
    source: Account
    target: Account
    amount_minor: int
    currency: str
    posted_at: datetime
    month: str


class Entry(NamedTuple):
    """One leg: what a transfer did to one account. Versions of an account have no gap."""

    transfer_id: str
    leg: int
    account_id: str
    currency: str
    amount_minor: int
    previous_minor: int
    balance_minor: int
    version: int


class Balance(Struct, frozen=True):
    """An account's balance after its `version`th entry."""

    minor: int = 0
    version: int = 0


class LedgerBroken(Exception):
    """A decision would move money that is not there: a bug of ours, never an input error."""


def account_of(kind: AccountKind, terms: Terms) -> Account:
    """The account of this kind that a reward's money passes through."""
    if kind is AccountKind.BUDGET:
        return Account(kind, terms.program_id, terms.currency)
    if kind in (AccountKind.CLEARING, AccountKind.PAID_OUT):
        return Account(kind, terms.rail.value, terms.currency)
    return Account(kind, terms.beneficiary_id, terms.currency)


class Move(Struct, frozen=True):
    """So much of a reward's money, for one purpose."""

    purpose: Purpose
    amount_minor: int


def transfer(terms: Terms, move: Move, *, n: int, at: datetime) -> Transfer:
    """The nth transfer of a purpose for a reward. Raises LedgerBroken for a negative amount."""
    if move.amount_minor <= 0:
        raise LedgerBroken(f"{move.purpose} of {move.amount_minor} for reward {terms.reward_id}")
    route = ROUTES[move.purpose]
    return Transfer(
        transfer_id=ids.transfer_id(terms.reward_id, move.purpose.value, n),
        reward_id=terms.reward_id,
        purpose=move.purpose,
        source=account_of(route.source, terms),
        target=account_of(route.target, terms),
        amount_minor=move.amount_minor,
        currency=terms.currency,
        posted_at=at,
        month=month_of(at, terms.zone),
    )


def enter(
    transfers: Sequence[Transfer], balances: Mapping[str, Balance]
) -> tuple[list[Entry], dict[str, Balance]]:
    """The entries of transfers in order, on top of balances, and the balances after them."""
    after = dict(balances)
    entries: list[Entry] = []
    for one in transfers:
        for leg, (account, sign) in enumerate(((one.source, -1), (one.target, 1)), start=1):
            account_id = account.account_id
            before = after[account_id]
            now = Balance(before.minor + sign * one.amount_minor, before.version + 1)
            after[account_id] = now
            entries.append(
                Entry(
                    one.transfer_id,
                    leg,
                    account_id,
                    one.currency,
                    sign * one.amount_minor,
                    before.minor,
                    now.minor,
                    now.version,
                )
            )
    return entries, after


def accounts_of(transfers: Iterable[Transfer]) -> dict[str, Account]:
    """The accounts that transfers touch, by id."""
    return {
        account.account_id: account for one in transfers for account in (one.source, one.target)
    }


def month_of(moment: datetime, zone: str) -> str:
    """The calendar month of a moment in a zone, `2026-01`. Raises for a zone that is not IANA's."""
    return moment.astimezone(_zone(zone)).strftime("%Y-%m")


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
