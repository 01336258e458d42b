"""What every event on the wire has in common: its payload base class, and where it may travel."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

MAX_ID_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 2_000


Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_CHARACTERS)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARACTERS)]
Instant = AwareDatetime


class Value(BaseModel):
    """A frozen part of an event. Unknown fields are ignored, so that producers may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_timedelta="float")


class EventData(Value):
    """The JSON body of one event type; `TYPE` is its CloudEvents type (`reward.approved.v1`)."""

    TYPE: ClassVar[str]

    def to_json(self) -> bytes:
        """The body as it is written to Kafka; absent optional fields are left out."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)


class PersonalData(StrEnum):
    """What a topic may hold about people; the sealed-data scan asserts it."""

    NONE = "none"
    PSEUDONYMOUS = "pseudonymous"  # keyed hashes and opaque ids only
    SEALED = "sealed"  # ciphertext under a key that can be destroyed


class Retention(StrEnum):
    """How long Kafka keeps a topic's records."""

    FOREVER = "forever"
    COMPACTED = "compacted"
    SHORT = "short"  # the stated erasure window
    STANDARD = "standard"

    @property
    def config(self) -> dict[str, str]:
        """The topic's Kafka settings."""
        return _RETENTION_CONFIG[self]


ERASURE_WINDOW_SECONDS = 7 * 86_400
STANDARD_RETENTION_SECONDS = 14 * 86_400
_RETENTION_CONFIG = {
    Retention.FOREVER: {"cleanup.policy": "delete", "retention.ms": "-1"},
    Retention.COMPACTED: {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1"},
    Retention.SHORT: {
        "cleanup.policy": "delete",
        "retention.ms": str(ERASURE_WINDOW_SECONDS * 1000),
    },
    Retention.STANDARD: {
        "cleanup.policy": "delete",
        "retention.ms": str(STANDARD_RETENTION_SECONDS * 1000),
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One row of the topic table: who owns it, what it carries, how it is keyed and kept."""

    name: str
    about: str
    key: str  # the field of every event that becomes the Kafka key
    events: tuple[type[EventData], ...]
    heard_by: tuple[str, ...]
    retention: Retention = Retention.STANDARD
    personal_data: PersonalData = PersonalData.PSEUDONYMOUS
    ordered: bool = False  # a parked event holds back the later ones of its key
    table: bool = False  # read whole by every instance, without a consumer group
    partitions: int = 4  # a power of two

    @property
    def owner(self) -> str:
        """The service (or `crm`, a connector outside) that alone publishes here."""
        return self.name.partition(".")[0]

    def key_of(self, event: EventData) -> str:
        """The Kafka key of `event`. A key field may be a property of the event class."""
        return str(getattr(event, self.key))
