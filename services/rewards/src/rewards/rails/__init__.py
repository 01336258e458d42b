"""How money leaves: every rail pays by payout id, once, and can be asked what became of it."""

from typing import Protocol

from ..domain.paying import Answer
from ..domain.values import Payout


class Rail(Protocol):
    """A way to pay. The payout id is the idempotency key: paying twice pays once."""

    async def pay(self, payout: Payout) -> Answer:
        """Pay. An error or silence is no answer: the caller asks later."""

    async def ask(self, payout_id: str) -> Answer:
        """What became of a payout; `never_heard` if it may safely be sent (again)."""
