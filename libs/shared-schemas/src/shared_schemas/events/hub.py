"""What the hub asks of others."""

from typing import ClassVar

from ..event import EventData, Id, Instant


class LoginRequested(EventData):
    """Somebody wants a one-time link; who sends it derives the link's signature itself."""

    TYPE: ClassVar[str] = "login.requested.v1"
    subject: Id
    login_id: Id
    requested_at: Instant
    expires_at: Instant
