"""One-time links and sessions: what is signed, what is hashed, who may see what."""

import hmac
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256


class Role(StrEnum):
    """Participants see their own, operators everything."""

    PARTICIPANT = "participant"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in. `csrf` must come back with every unsafe request."""

    subject: str
    role: Role
    csrf: str

    def may_see(self, participant_ids: tuple[str, ...]) -> bool:
        """Whether something that concerns these participants may be shown."""
        return self.role is Role.OPERATOR or self.subject in participant_ids

    @property
    def only(self) -> str | None:
        """The participant that lists are limited to; None for operators."""
        return None if self.role is Role.OPERATOR else self.subject


def signature(secret: str, login_id: str) -> str:
    """The second half of a one-time link (HMAC-SHA256, hex); whoever mails it computes it too."""
    return hmac.new(secret.encode(), f"login\x1f{login_id}".encode(), sha256).hexdigest()


def is_signed(secret: str, login_id: str, given: str) -> bool:
    """Whether a one-time link is one of ours, compared in constant time."""
    return hmac.compare_digest(signature(secret, login_id).encode(), given.encode())


def session_hash(session_id: str) -> str:
    """What is stored of a session's id."""
    return sha256(session_id.encode()).hexdigest()
