"""Whose fault an error is: the surroundings' (wait and try again) or the event's (set it aside)."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg

from .intake import MAX_DETAIL_CHARACTERS, Fault
from .problems import Transient
from .redaction import redact_text
from .transaction import Transaction

U = TypeVar("U")
Work = Callable[[Transaction, Sequence[U]], Awaitable[None]]

_SURROUNDINGS = (
    Transient,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)


class TooManyDeadLetters(Exception):
    """So much is parked that something else than the events must be wrong."""


def is_transient(error: BaseException) -> bool:
    """Whether an error says nothing about the event. The list is never complete: see `is_alive`.

    asyncpg's errors about values are interface errors too, but they are the event's own. A check
    of the kit's own tables that fails is a partition of today that nobody has made yet.
    """
    if isinstance(error, asyncpg.CheckViolationError):
        return bool(error.schema_name == "kit")
    return isinstance(error, _SURROUNDINGS) and not isinstance(error, ValueError)


async def is_alive(connection: asyncpg.Connection) -> bool:
    """Whether this connection still answers."""
    try:
        return bool(await connection.fetchval("SELECT 1") == 1)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False


def fault_of(error: BaseException) -> Fault:
    """Why a handler could not handle an event; addresses and keys are hidden."""
    text = redact_text(f"{type(error).__name__}: {error}")
    return Fault("handler_failed", text.replace("\x00", "")[:MAX_DETAIL_CHARACTERS])


async def isolated(tx: Transaction, units: Sequence[U], work: Work[U]) -> list[tuple[U, Exception]]:
    """Do the work for all units in a savepoint; if that fails, for each in its own.

    Returns those that failed alone, with their errors. Raises what is transient.
    """
    if not units or await _try(tx, units, work) is None:
        return []
    outcomes = [(unit, await _try(tx, [unit], work)) for unit in units]
    return [(unit, error) for unit, error in outcomes if error is not None]


async def _try(tx: Transaction, units: Sequence[U], work: Work[U]) -> Exception | None:
    try:
        async with tx.savepoint() as inner:
            await work(inner, units)
    except Exception as error:
        if is_transient(error) or not await is_alive(tx.connection):
            raise
        return error
    return None


@dataclass(slots=True)
class DeadLetters:
    """How much of what was lately consumed had to be parked."""

    ratio_limit: float
    minimum: int
    window_seconds: float
    clock: Callable[[], float]
    _batches: deque[tuple[float, int, int]] = field(default_factory=deque)

    def check(self, *, parked: int, total: int) -> None:
        """Raise TooManyDeadLetters if parking so many more would be over the limit."""
        self._forget()
        all_parked = parked + sum(batch[1] for batch in self._batches)
        all_taken = total + sum(batch[2] for batch in self._batches)
        if parked and all_taken >= self.minimum and all_parked > self.ratio_limit * all_taken:
            raise TooManyDeadLetters(f"{all_parked} of the last {all_taken} events were parked")

    def note(self, *, parked: int, total: int) -> None:
        """Remember a committed batch."""
        self._batches.append((self.clock(), parked, total))

    def _forget(self) -> None:
        while self._batches and self._batches[0][0] < self.clock() - self.window_seconds:
            self._batches.popleft()
