"""Money: the ledger balances, each payout is settled once, and the provider was asked for it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from .effects import newest
from .history import Call, Entry, History, Violation

_WEBHOOK = "webhook"


def transfers_balance(history: History) -> Iterator[Violation]:
    """Two legs of one currency that sum to zero; all entries of a currency do too."""
    legs: dict[str, list[Entry]] = defaultdict(list)
    totals: dict[str, int] = defaultdict(int)
    for entry in history.tables.entries:
        legs[entry.transfer_id].append(entry)
        totals[entry.currency] += entry.amount_minor
    for transfer, entries in legs.items():
        currencies = {entry.currency for entry in entries}
        if len(entries) != 2 or len(currencies) != 1 or sum(e.amount_minor for e in entries) != 0:
            yield Violation("imbalance", f"transfer {transfer}")
    for currency, total in totals.items():
        if total:
            yield Violation("imbalance", f"{total} {currency}")


def balances_are_their_entries(history: History) -> Iterator[Violation]:
    """An account holds what was posted to it."""
    sums: dict[str, int] = defaultdict(int)
    for entry in history.tables.entries:
        sums[entry.account_id] += entry.amount_minor
    for account in sums.keys() | history.tables.balances.keys():
        if sums[account] != history.tables.balances.get(account, 0):
            yield Violation("balance is not the sum of entries", account)


def transfers_are_told(history: History) -> Iterator[Violation]:
    """Every transfer is named by a reward's event, and every one named is in the ledger."""
    told = {t for _, body in history.of("reward.") for t in body.get("transfer_ids", ())}
    posted = {entry.transfer_id for entry in history.tables.entries}
    for transfer in told - posted:
        yield Violation("told, not posted", transfer)
    for transfer in posted - told:
        yield Violation("posted, not told", transfer)


def payouts_settle_once(history: History) -> Iterator[Violation]:
    """One settlement a payout; what a reward was paid is what its payouts settled."""
    settled: dict[str, str] = {}
    paid: dict[str, int] = defaultdict(int)
    for record, body in history.of("payout.settled"):
        payout = body["payout_id"]
        if settled.setdefault(payout, record.id) != record.id:
            yield Violation("settled twice", payout)
        else:
            paid[body["reward_id"]] += body["amount_minor"]
    rewards = newest(history, ("reward.",), "reward_id")
    for reward, body in rewards.items():
        if body.get("paid_minor", 0) != paid[reward]:
            yield Violation("paid is not what was settled", reward)
    for reward in paid.keys() - rewards.keys():
        yield Violation("paid is not what was settled", reward)


def the_provider_was_asked(history: History) -> Iterator[Violation]:
    """One payment a payout at the provider, of that amount; no payment that nobody requested."""
    calls: dict[str, list[Call]] = defaultdict(list)
    for call in history.payments:
        calls[call.id].append(call)
    requested = {b["payout_id"]: b for _, b in history.of("payout.requested")}
    for payout, same in calls.items():
        if payout not in requested:
            yield Violation("paid without a request", payout)
        elif {c.amount_minor for c in same} != {requested[payout]["amount_minor"]}:
            yield Violation("the provider was asked for another amount", payout)
        if len({call.said for call in same}) > 1:
            yield Violation("the provider was asked for two payments", payout)
    for _, body in history.of("payout.settled"):
        if body["rail"] == _WEBHOOK and body["payout_id"] not in calls:
            yield Violation("settled without the provider", body["payout_id"])


RULES: tuple[Callable[[History], Iterable[Violation]], ...] = (
    transfers_balance,
    balances_are_their_entries,
    transfers_are_told,
    payouts_settle_once,
    the_provider_was_asked,
)
