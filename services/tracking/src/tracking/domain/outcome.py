"""What became of one message: its answer, and the events that it made."""

from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from .wire import Body


class Result(StrEnum):
    """What a client is told of one message."""

    OK = "ok"
    WARNING = "warning"  # taken, but something in it was changed or left out
    DROP = "drop"  # not taken, and the same message never will be
    RETRY = "retry"  # not taken now; send it again


class Dropped(Exception):
    """A message of which nothing is recorded. `status` answers it when it came alone."""

    status = 200
    result = Result.DROP

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Refused(Dropped):
    """A message that is wrong: answered 4xx."""

    status = 400


class Forbidden(Refused):
    """A message that this key may not send."""

    status = 403


class TooLarge(Refused):
    """A message or batch beyond the limits."""

    status = 413


class UnknownCode(Refused):
    """A code that is none of ours."""

    status = 404


class CodeEnded(Refused):
    """A code that was revoked or has expired."""

    status = 410


class IdReused(Refused):
    """A message whose id came before with another body."""

    status = 409


class NotYet(Dropped):
    """A message that needs a fact which may be on its way: to be sent again."""

    status = 503
    result = Result.RETRY


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach a person, still in the clear: to be sealed at once, never logged.

    Without a `needed` one that cannot be sealed the message is taken all the same.
    """

    subject: str
    personal: dict[str, str] = field(repr=False)
    language: str | None
    needed: bool = False


class Decided(Struct, frozen=True, kw_only=True):
    """What is to be recorded of one message: its event, what follows from it, how to reach whom."""

    event: Body
    more: tuple[Body, ...] = ()
    contact: Contact | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """What one message came to. The event has the message's own id; more events and a contact
    follow from it."""

    result: Result
    event_id: str | None = None
    status: int = 200
    code: str = ""
    detail: str = ""
    event: Body | None = None
    more: tuple[Body, ...] = ()
    contact: Contact | None = None

    @classmethod
    def of_drop(cls, dropped: Dropped, event_id: str | None = None) -> "Outcome":
        """The outcome of a message that was not taken."""
        return cls(
            result=dropped.result,
            event_id=event_id,
            status=dropped.status,
            code=dropped.code,
            detail=dropped.detail,
        )
