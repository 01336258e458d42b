"""Credits a beneficiary's account in our own book: one row a payout id, in its own transaction."""

import asyncio

from service_kit.runtime import Runtime

from ..domain.paying import Answer, Word
from ..domain.values import Payout
from ..settings import RewardsSettings
from ..store import account_book

_CONNECTIONS_MAX = 2  # of the pool, which handlers need more


class AccountCredit:
    """The rail that never fails for good: the row is there, or it is not."""

    def __init__(self, runtime: Runtime[RewardsSettings]) -> None:
        self._runtime = runtime
        self._free = asyncio.Semaphore(_CONNECTIONS_MAX)

    async def pay(self, payout: Payout) -> Answer:
        """Add the row; one that is there stays as it is."""
        async with self._free, self._runtime.transaction(step="account_credit") as tx:
            await account_book.add(tx, payout, self._runtime.now())
        return Answer(word=Word.SETTLED, reference=payout.payout_id)

    async def ask(self, payout_id: str) -> Answer:
        """Look for the row."""
        async with self._free, self._runtime.transaction() as tx:
            found = await account_book.is_there(tx, payout_id)
        if not found:
            return Answer(word=Word.NEVER_HEARD)
        return Answer(word=Word.SETTLED, reference=payout_id)
