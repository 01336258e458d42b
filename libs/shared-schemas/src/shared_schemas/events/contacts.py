"""How to reach somebody, sealed: the only events that hold names and addresses."""

from typing import Annotated, ClassVar

from pydantic import Field

from ..event import EventData, Id, Instant
from ..sealed import Sealed
from .programs import Language


class ContactSubmitted(EventData):
    """A contact as it came in, sealed to the day's public key."""

    TYPE: ClassVar[str] = "contact.submitted.v1"
    subject: Id
    event_id: Id
    sealed: Sealed
    language: Language | None = None
    submitted_at: Instant


class ContactSealed(EventData):
    """A subject's contact under the subject's own key: `email`, and perhaps `name`, `note`."""

    TYPE: ClassVar[str] = "contact.sealed.v1"
    subject: Id
    revision: Annotated[int, Field(ge=1)]
    sealed: Sealed
    language: Language | None = None


class ContactForgotten(EventData):
    """A subject's key is destroyed: nothing that it sealed can be read any more."""

    TYPE: ClassVar[str] = "contact.forgotten.v1"
    subject: Id
    revision: Annotated[int, Field(ge=1)]
    forgotten_at: Instant
