"""A record as the spool keeps it: MessagePack of the record and of when it was spooled."""

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder
from service_kit.producer import Record


class Spooled(Struct, frozen=True, array_like=True):
    """One record; `at` is when it came into the spool, in seconds of Unix time."""

    topic: str
    key: bytes | None
    headers: list[tuple[str, bytes | None]]
    body: bytes | None
    at: float

    @property
    def record(self) -> Record:
        """What is to be sent."""
        return Record(self.topic, self.key, self.headers, self.body)


_encode = Encoder().encode
decode = Decoder(Spooled).decode
"""The record of a frame's payload. Raises msgspec.MsgspecError."""


def encode(record: Record, at: float) -> bytes:
    """The payload of a record's frame."""
    return _encode((record.topic, record.key, record.headers, record.body, at))
