"""Frames: how records lie in a segment of the spool, so that damage is seen and costs only itself.

A frame is MAGIC, the payload's length, a checksum, the payload. The checksum (CRC-32) covers the
segment's number, the frame's place in it, the length and the payload: a frame is good only where it
was written. MAGIC is no UTF-8, and what a client sends us is kept as UTF-8 only, so that a reader
that lost its way finds the next frame and nothing else. See docs/decisions/0008.
"""

import struct
from typing import NamedTuple
from zlib import crc32

MAGIC = b"\xf5\xfd\xfe\xff"  # the last byte names the version of the format
_HEADER = struct.Struct("<4sII")  # MAGIC, bytes of payload, checksum
_PLACE = struct.Struct("<QII")  # segment, offset, bytes of payload
HEADER_BYTES = _HEADER.size
PAYLOAD_MAX_BYTES = 4 * 1024 * 1024


class Found(NamedTuple):
    """One good frame: its payload, and the offset in the segment at which it ends."""

    payload: bytes
    end: int


class Damaged(NamedTuple):
    """A stretch of a segment that holds no good frame, though one follows or it claims to be
    whole; `records` is how many frames begin in it, at least one."""

    start: int
    end: int
    records: int


class Scan(NamedTuple):
    """What a part of a segment holds, in its order. Nothing is known yet of what lies at or behind
    `end`; from there on a write that never finished left `torn_bytes`."""

    found: list[Found]
    damaged: list[Damaged]
    end: int
    torn_bytes: int


def frame(payload: bytes, segment: int, offset: int) -> bytes:
    """The frame of a payload that is written at this offset of this segment."""
    length = len(payload)
    return _HEADER.pack(MAGIC, length, _checksum(payload, segment, offset, length)) + payload


def scan(data: bytes, segment: int, offset: int = 0, *, is_rest: bool = True) -> Scan:
    """Read the part of a segment that begins at `offset`, which is where a frame begins.

    Unless it is the rest of the segment, a last frame that is not whole is left for later. Never
    raises, whatever the bytes are.
    """
    found: list[Found] = []
    damaged: list[Damaged] = []
    at = 0
    while at < len(data):
        end = _end_of_frame(data, at, segment, offset)
        if end is not None:
            found.append(Found(data[at + HEADER_BYTES : end], offset + end))
            at = end
            continue
        following = _next_frame(data, at, segment, offset)
        if following is None:
            break
        damaged.append(_stretch(data, at, following, offset))
        at = following
    if is_rest and at < len(data) and _claims_to_be_whole(data, at):
        damaged.append(_stretch(data, at, len(data), offset))
        at = len(data)
    return Scan(found, damaged, offset + at, len(data) - at if is_rest else 0)


def _checksum(payload: bytes, segment: int, offset: int, length: int) -> int:
    return crc32(payload, crc32(_PLACE.pack(segment, offset, length)))


def _end_of_frame(data: bytes, at: int, segment: int, offset: int) -> int | None:
    """Where the frame at `at` ends, if it is good."""
    if len(data) - at < HEADER_BYTES:
        return None
    magic, length, checksum = _HEADER.unpack_from(data, at)
    end = at + HEADER_BYTES + length
    if magic != MAGIC or length > PAYLOAD_MAX_BYTES or end > len(data):
        return None
    payload = data[at + HEADER_BYTES : end]
    return end if _checksum(payload, segment, offset + at, length) == checksum else None


def _next_frame(data: bytes, at: int, segment: int, offset: int) -> int | None:
    """Where the first good frame behind `at` begins."""
    start = data.find(MAGIC, at + 1)
    while start >= 0:
        if _end_of_frame(data, start, segment, offset) is not None:
            return start
        start = data.find(MAGIC, start + 1)
    return None


def _claims_to_be_whole(data: bytes, at: int) -> bool:
    """Whether it looks like a frame that was written to its end: such a one was acknowledged."""
    if len(data) - at < HEADER_BYTES:
        return False
    magic, length, _ = _HEADER.unpack_from(data, at)
    return bool(magic == MAGIC and at + HEADER_BYTES + length <= len(data))


def _stretch(data: bytes, start: int, end: int, offset: int) -> Damaged:
    return Damaged(offset + start, offset + end, max(1, data.count(MAGIC, start, end)))
