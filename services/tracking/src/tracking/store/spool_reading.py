"""Reads the spool in chunks: some records, and where in the segment they end."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import MsgspecError
from service_kit.producer import Record

from ..domain.frames import Damaged, Scan
from .segments import Segments
from .spooled import decode

CHUNK_BYTES = 256 * 1024  # a few hundred events: the event loop is held up no longer than that


class Chunk(NamedTuple):
    """Records of one segment in order, each with the offset at which it ends; what is damaged
    between them; the offset behind all of it; when the first was spooled, in Unix time."""

    records: Sequence[Record]
    ends: Sequence[int]
    damaged: Sequence[Damaged]
    end: int
    oldest_at: float | None

    def cut(self, most_records: int | None) -> "Chunk":
        """The first so many records, and what is damaged before them."""
        if most_records is None or len(self.records) <= most_records:
            return self
        ends = self.ends[:most_records]
        before = [one for one in self.damaged if one.start < ends[-1]]
        return Chunk(self.records[:most_records], ends, before, ends[-1], self.oldest_at)


def read_chunk(files: Segments, number: int, start: int, end: int) -> Chunk:
    """The records from `start` on, of a segment that is whole up to `end`. Raises OSError."""
    reach = CHUNK_BYTES
    found = files.read(number, start, start + reach, end)
    while found.end == start and start + reach < end:  # less than one frame
        reach *= 2
        found = files.read(number, start, start + reach, end)
    return _decoded(found, start, end)


def _decoded(found: Scan, start: int, end: int) -> Chunk:
    records, ends, damaged = [], [], list(found.damaged)
    oldest_at, at = None, start
    for one in found.found:
        try:
            spooled = decode(one.payload)
        except MsgspecError:  # of another version
            damaged.append(Damaged(at, one.end, 1))
        else:
            oldest_at = oldest_at or spooled.at
            records.append(spooled.record)
            ends.append(one.end)
        at = one.end
    if found.torn_bytes:  # it was whole once
        damaged.append(Damaged(found.end, end, 1))
    reached = end if found.torn_bytes else found.end
    return Chunk(records, ends, damaged, reached, oldest_at)
