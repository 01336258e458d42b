"""What became of each message, and what people prefer."""

from typing import Annotated, ClassVar

from pydantic import Field

from ..event import EventData, Id, Instant, Text
from ..states import MessageState
from ..words import Channel
from .programs import Language


class MessageChanged(EventData):
    """One delivery's whole state. It names the subject, never an address."""

    delivery_id: Id
    revision: Annotated[int, Field(ge=1)]
    state: MessageState
    subject: Id
    channel: Channel
    template: Id
    language: Language | None = None
    reward_id: Id | None = None
    conversion_id: Id | None = None
    caused_by: Id = Field(description="the event id that this message tells of")
    attempts: Annotated[int, Field(ge=0)]
    reason: Text = ""
    changed_at: Instant


class MessageSent(MessageChanged):
    """The channel took it."""

    TYPE: ClassVar[str] = "message.sent.v1"


class MessageUnknown(MessageChanged):
    """A crash fell into the send window: it may have been sent."""

    TYPE: ClassVar[str] = "message.unknown.v1"


class MessageFailed(MessageChanged):
    """It will not be sent; the reason says why."""

    TYPE: ClassVar[str] = "message.failed.v1"


class PreferenceChanged(EventData):
    """How often somebody wants mail: each message, a digest, or none."""

    TYPE: ClassVar[str] = "preference.changed.v1"
    subject: Id
    revision: Annotated[int, Field(ge=1)]
    email: Annotated[str, Field(pattern=r"^(each|digest|none)$")]
    changed_at: Instant
