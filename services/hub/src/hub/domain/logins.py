"""One-time links and sessions: what is signed, what is hashed, who may see what."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256


class Role(StrEnum):
    """Participants see their own, operators everything."""

    PARTICIPANT = "participant"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in. `csrf` must come back with every unsafe request.

    `customer_id` is the id under which the same person earns as a referee; `language` and `zone`
    are theirs, as far as known.
    """

    subject: str
    role: Role
    csrf: str
    customer_id: str | None = None
    language: str | None = None
    zone: str | None = None

    @property
    def is_operator(self) -> bool:
        """Whether everything may be seen."""
        return self.role is Role.OPERATOR

    @property
    def only(self) -> tuple[str, ...] | None:
        """The ids that everything shown is limited to; None for operators."""
        if self.is_operator:
            return None
        return (self.subject, self.customer_id) if self.customer_id else (self.subject,)

    def may_see(self, people: Iterable[str]) -> bool:
        """Whether something that concerns these people may be shown."""
        return self.only is None or not set(self.only).isdisjoint(people)


def signature(secret: str, login_id: str) -> str:
    """The second half of a one-time link (HMAC-SHA256, hex); whoever mails it computes it too."""
    return hmac.new(secret.encode(), f"login\x1f{login_id}".encode(), sha256).hexdigest()


def is_signed(secret: str, login_id: str, given: str) -> bool:
    """Whether a one-time link is one of ours, compared in constant time."""
    return hmac.compare_digest(signature(secret, login_id).encode(), given.encode())


def session_hash(session_id: str) -> str:
    """What is stored of a session's id."""
    return sha256(session_id.encode()).hexdigest()
