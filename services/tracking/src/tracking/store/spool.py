"""The spool: where events are durable while Kafka is away, in this instance's own folder.

It is a queue on disk, read from the front. A segment is deleted once all of it was sent, so that
after a crash some of it is sent twice and nothing is missing.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from service_kit.producer import Record

from ..domain.frames import HEADER_BYTES, Damaged
from . import spool_metrics as metrics
from .group_commit import Answer, GroupCommit, refused
from .segments import Extent, Segments
from .spool_reading import Chunk, read_chunk
from .spooled import encode

log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class _Segment:
    """One file: how far it is whole, how many of its records are not sent yet, and whether an
    earlier process wrote it and nobody has looked at it since."""

    number: int
    end: int
    records: int
    is_unread: bool = False


class Spool:
    """Takes at most `max_bytes`, and waits at most `write_seconds` for its disk."""

    def __init__(self, *, max_bytes: int, write_seconds: float) -> None:
        self.filled = asyncio.Event()  # set while there may be something to send
        self._max_bytes = max_bytes
        self._write_seconds = write_seconds
        self._files: Segments | None = None
        self._writer: GroupCommit | None = None
        self._segments: deque[_Segment] = deque()
        self._at = 0  # in the first segment: everything before it was sent
        self._oldest_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it takes anything."""
        return self._writer is not None

    @property
    def is_empty(self) -> bool:
        """Whether nothing in it is still to be sent."""
        return not self._segments

    @property
    def holds(self) -> bool:
        """Whether anything is in it, or about to be."""
        return bool(self._segments) or (self._writer is not None and self._writer.is_busy)

    @property
    def standing(self) -> metrics.Standing:
        """How much is in it."""
        return metrics.Standing(
            records=sum(each.records for each in self._segments),
            bytes=self._bytes,
            segments=len(self._segments),
            oldest_seconds=max(0.0, time.time() - self._oldest_at) if self._segments else 0.0,
        )

    @property
    def _bytes(self) -> int:
        queued = self._writer.queued_bytes if self._writer is not None else 0
        return sum(each.end for each in self._segments) + queued

    async def open(self, folder: Path) -> None:
        """Be open, with what an earlier process left in the folder. Raises OSError."""
        if self._files is not None:
            return
        files = Segments(folder)
        left = await asyncio.to_thread(files.open)
        self._segments.extend(_Segment(number, end, 0, is_unread=True) for number, end in left)
        self._oldest_at = time.time()  # until the first of them is read
        self._files = files
        self._writer = GroupCommit(
            files,
            write_seconds=self._write_seconds,
            on_written=self._note,
            on_idle=self._look_again,
        )
        metrics.watch(self)
        self._look_again()

    async def recover(self) -> None:
        """Drop the torn tails that an earlier process left, and count what it left."""
        for each in [each for each in self._segments if each.is_unread]:
            if self._files is None:
                return
            try:
                extent = await asyncio.to_thread(self._files.recover, each.number)
            except OSError as error:
                self._skip(each, error)
                continue
            each.end, each.records, each.is_unread = extent.end, extent.records, False
            if extent.torn_bytes:
                metrics.torn.inc()
                log.warning("torn tail dropped", segment=each.number, bytes=extent.torn_bytes)
        if self._segments:
            log.info("events left in the spool", **self.standing._asdict())

    def append(self, records: Sequence[Record]) -> Answer:
        """Write records, in order; the answer is None once they are synced."""
        if self._writer is None:
            return refused("closed")
        now = time.time()
        payloads = [encode(record, now) for record in records]
        size = sum(map(len, payloads)) + HEADER_BYTES * len(payloads)
        if self._bytes + size > self._max_bytes:
            return refused("full")
        if not self.holds:
            self._oldest_at = now
        return self._writer.append(payloads, size)

    async def head(self, most_records: int | None = None) -> Chunk | None:
        """The next records to send, at most so many; None while there are none."""
        while self._files is not None and self._segments:
            first = self._segments[0]
            if self._at < first.end:
                try:
                    chunk = await asyncio.to_thread(
                        read_chunk, self._files, first.number, self._at, first.end
                    )
                except OSError as error:
                    self._skip(first, error)
                    continue
                self._oldest_at = chunk.oldest_at or self._oldest_at
                return chunk.cut(most_records)
            if not await self._drop(first):
                self.filled.clear()  # until the write under way has ended
                return None
        self.filled.clear()
        return None

    async def forget(self, chunk: Chunk, unpublishable: Sequence[Record] = ()) -> None:
        """Go on behind a chunk whose records were sent. What was damaged in it, and what Kafka
        refuses for ever, is set aside."""
        first = self._segments[0]
        if chunk.damaged or unpublishable:
            await self._set_aside(first.number, chunk.damaged, unpublishable)
        metrics.drained.inc(len(chunk.records) - len(unpublishable))
        self._at = chunk.end
        first.records = max(0, first.records - len(chunk.records))
        if self._at >= first.end:
            await self._drop(first)

    async def close(self) -> None:
        """Write what is queued, then take nothing more."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()
        self._files = None

    def _note(self, extent: Extent) -> None:
        if not self._segments or self._segments[-1].number != extent.number:
            self._segments.append(_Segment(extent.number, 0, 0))
        last = self._segments[-1]
        last.end, last.records = extent.end, last.records + extent.records
        metrics.spooled.inc(extent.records)
        self.filled.set()

    def _look_again(self) -> None:
        if self._segments:
            self.filled.set()

    async def _drop(self, first: _Segment) -> bool:
        """Delete the first segment, all of which was sent; False while it may yet grow."""
        files, writer = self._files, self._writer
        if files is None or writer is None or (writer.is_busy and len(self._segments) == 1):
            return False
        self._leave(first)
        try:
            await writer.run(files.remove, first.number)
        except OSError as error:  # it is sent again after a restart, no worse
            log.error("a segment was not deleted", segment=first.number, error=error.strerror)
        return True

    def _skip(self, unreadable: _Segment, error: OSError) -> None:
        """Leave a segment that cannot be read where it is, for the next start or a person."""
        lost = max(1, unreadable.records)
        metrics.damaged.inc(lost)
        log.error(
            "a segment is unreadable",
            segment=unreadable.number,
            records=lost,
            error=error.strerror,
        )
        self._leave(unreadable)

    def _leave(self, segment: _Segment) -> None:
        if self._segments[0] is segment:
            self._at = 0
        self._segments.remove(segment)

    async def _set_aside(
        self, number: int, damaged: Sequence[Damaged], unpublishable: Sequence[Record]
    ) -> None:
        """Keep what could not be sent beside the segments, as far as the disk lets us."""
        lost = sum(one.records for one in damaged) + len(unpublishable)
        metrics.damaged.inc(lost)
        log.error("spooled events set aside", segment=number, records=lost)
        files, writer = self._files, self._writer
        if files is None or writer is None:
            return
        stretches = [encode(record, time.time()) for record in unpublishable]
        try:
            stretches += await asyncio.to_thread(files.bytes_of, number, damaged)
            await writer.run(files.set_aside, number, stretches)
        except OSError as error:
            log.error("they could not be kept", segment=number, error=error.strerror)
