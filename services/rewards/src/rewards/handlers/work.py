"""One batch in hand: its cases, what was decided about them, and how that is saved and told."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace
from service_kit.events import Cause
from service_kit.transaction import Transaction
from shared_schemas.states import RewardState

from ..domain.ledger import Account, AccountKind, Balance, account_of, accounts_of, enter
from ..domain.outcome import Outcome
from ..domain.paying import fund
from ..domain.steps import Step, apply
from ..domain.values import Case, Conversion, Payout, Reward
from ..store import conversions, ledger, limits, payouts, rewards
from ..store.payouts import Intent, intend
from .wire import payout_event, reward_event

HOLD_ENDED = "hold_ended"
HELD_EXPIRED = "held_expired"


class Work:
    """The cases of one batch. `take` decides in memory; `save` writes once and emits."""

    def __init__(self, tx: Transaction, cases: Mapping[str, Case]) -> None:
        self.cases = dict(cases)
        self._tx = tx
        self._loaded = {key: case.conversion for key, case in cases.items()}
        self._steps: list[tuple[Step, Cause]] = []
        self._intents: dict[str, Intent] = {}
        self._funding: dict[str, Cause] = {}
        self._rescheduled: set[str] = set()
        self._events: list[tuple[Payout, Cause]] = []

    def take(self, outcome: Outcome, cause: Cause) -> None:
        """Keep a decision: the case after it, its steps, and what is due because of it."""
        after = outcome.case.conversion
        before = self.cases[after.conversion_id].conversion
        self.cases[after.conversion_id] = outcome.case
        for step in outcome.steps:
            self._keep(step, cause)
        if before is not after:
            self._schedule(before, after, cause)

    def pay(self, reward: Reward, cause: Cause) -> None:
        """Have an approved reward netted and paid when this is saved."""
        self._funding[reward.reward_id] = cause

    def reschedule(self, intent: Intent, changed: Payout, cause: Cause) -> None:
        """Keep a payout that is not settled, with the time when its provider is asked again."""
        self._intents[changed.payout_id] = replace(intent, payout=changed)
        self._rescheduled.add(changed.payout_id)
        if changed is not intent.payout:
            self._events.append((changed, cause))

    def know(self, intents: Iterable[Intent]) -> None:
        """Payouts that exist: a change keeps what is not the payout's own."""
        self._intents.update({intent.payout.payout_id: intent for intent in intents})

    async def save(self) -> None:
        """Net and pay what was approved, write one statement a table, emit in order."""
        balances = await ledger.lock(self._tx, self._accounts().values())
        self._fund(balances)
        await self._save_conversions()
        await self._save_rewards()
        transfers = [one for step, _ in self._steps for one in step.transfers]
        await ledger.post(self._tx, transfers, balances)
        for step, cause in self._steps:
            self._tx.emit(reward_event(step), cause=cause)
            for payout in step.payouts:
                self._tx.emit(payout_event(payout), cause=cause)
        for payout, cause in self._events:
            self._tx.emit(payout_event(payout), cause=cause)

    def _keep(self, step: Step, cause: Cause) -> None:
        self._steps.append((step, cause))
        if step.before.waits and step.reward.state is RewardState.APPROVED:
            self._funding[step.reward.reward_id] = cause
        for payout in step.payouts:
            known = self._intents.get(payout.payout_id)
            self._intents[payout.payout_id] = (
                intend(payout, cause) if known is None else replace(known, payout=payout)
            )

    def _schedule(self, before: Conversion, after: Conversion, cause: Cause) -> None:
        if after.hold_ends_at != before.hold_ends_at and after.hold_ends_at is not None:
            self._tx.due(HOLD_ENDED, after.conversion_id, after.hold_ends_at, cause=cause)
        if after.expires_at != before.expires_at and after.expires_at is not None:
            self._tx.due(HELD_EXPIRED, after.conversion_id, after.expires_at, cause=cause)

    def _rewards_to_fund(self) -> list[tuple[Reward, Cause]]:
        known = {
            key: reward for case in self.cases.values() for key, reward in case.rewards.items()
        }
        return [(known[reward_id], cause) for reward_id, cause in self._funding.items()]

    def _accounts(self) -> dict[str, Account]:
        """Every account that saving may touch, to be locked together."""
        accounts = accounts_of(one for step, _ in self._steps for one in step.transfers)
        for reward, _ in self._rewards_to_fund() if self._funding else ():
            for kind in (AccountKind.AVAILABLE, AccountKind.RECEIVABLE, AccountKind.CLEARING):
                account = account_of(kind, reward.terms)
                accounts[account.account_id] = account
        return accounts

    def _fund(self, balances: Mapping[str, Balance]) -> None:
        """Decide the payouts of this batch's approvals, on what their beneficiaries owe now."""
        if not self._funding:
            return
        transfers = [one for step, _ in self._steps for one in step.transfers]
        _, after = enter(transfers, balances)
        for reward, cause in self._rewards_to_fund():
            receivable = account_of(AccountKind.RECEIVABLE, reward.terms).account_id
            for step in fund(reward, -after[receivable].minor, cause.now):
                case = self.cases[reward.terms.conversion_id]
                self.cases[reward.terms.conversion_id] = apply(case, step)
                self._keep(step, cause)
                _, after = enter(step.transfers, after)

    async def _save_conversions(self) -> None:
        """Most verdicts come before the hold's end and change nothing else: they cost less."""
        whole, verdicts = [], []
        for key in sorted(self.cases):
            before, after = self._loaded[key], self.cases[key].conversion
            if replace(before, verdict=after.verdict) != after:
                whole.append(after)
            elif before is not after:
                verdicts.append(after)
        await conversions.save(self._tx, whole)
        await conversions.save_verdicts(self._tx, verdicts)

    async def _save_rewards(self) -> None:
        latest = {step.reward.reward_id: step.reward for step, _ in self._steps}
        first = {step.reward.reward_id: step.before for step, _ in reversed(self._steps)}
        new = {key for key, before in first.items() if before.revision == 0}
        await rewards.add(self._tx, [latest[key] for key in sorted(new)])
        await rewards.save(self._tx, [latest[key] for key in sorted(latest.keys() - new)])
        await rewards.save_steps(self._tx, [step for step, _ in self._steps])
        await limits.save_claims(self._tx, [(first[key], latest[key]) for key in sorted(latest)])
        touched = {payout.payout_id for step, _ in self._steps for payout in step.payouts}
        touched |= self._rescheduled
        await payouts.save(self._tx, [self._intents[key] for key in sorted(touched)])
