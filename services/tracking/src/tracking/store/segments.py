"""The files of one spool: a folder of numbered segments, each written once, from front to back.

Everything here blocks. One thread at a time may append, finish and remove; reading is free.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..domain.frames import HEADER_BYTES, Damaged, Scan, frame, scan

SEGMENT_BYTES = 8 * 1024 * 1024
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND
_SUFFIX, _DAMAGED_SUFFIX = ".segment", ".damaged"
_NAME_DIGITS = 16
_DIGITS = "[0-9]" * _NAME_DIGITS


class Extent(NamedTuple):
    """How much of a segment is whole: its bytes, its records, and what was cut off its end."""

    number: int
    end: int
    records: int
    torn_bytes: int = 0


class Segments:
    """A folder of segments. Numbers only grow, also over restarts."""

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.folder = folder
        self._segment_bytes = segment_bytes
        self._file: int | None = None
        self._number = 0
        self._end = 0

    def open(self) -> list[tuple[int, int]]:
        """The segments that an earlier process left: number and bytes, oldest first.

        Raises OSError.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(self.folder.parent)
        left = self._numbers(_SUFFIX)
        self._number = max([0, *left, *self._numbers(_DAMAGED_SUFFIX)])
        return [(number, self._path(number).stat().st_size) for number in left]

    def recover(self, number: int) -> Extent:
        """Cut off what a write that never finished left at a segment's end. Raises OSError."""
        path = self._path(number)
        found = scan(path.read_bytes(), number)
        if found.torn_bytes:
            with path.open("r+b") as file:
                file.truncate(found.end)
                os.fsync(file.fileno())
        return Extent(number, found.end, len(found.found), found.torn_bytes)

    def append(self, payloads: Iterable[bytes]) -> Extent:
        """Write payloads and make them durable. Returns their segment as it is now, with how many
        records it has gained.

        Raises OSError; then none of them is in the segment.
        """
        file = self._writable()
        frames, end = [], self._end
        for payload in payloads:
            frames.append(frame(payload, self._number, end))
            end += len(payload) + HEADER_BYTES
        try:
            _write(file, b"".join(frames))
        except OSError:
            self._undo(file)
            raise
        try:
            os.fdatasync(file)
        except OSError:  # what the kernel could not write it takes for clean: never ask it again
            self._undo(file)
            self.finish()
            raise
        self._end = end
        return Extent(self._number, end, len(frames))

    def read(self, number: int, start: int, stop: int, end: int) -> Scan:
        """The records of a segment between two offsets; `end` is how far it is whole.

        Raises OSError.
        """
        stop = min(stop, end)
        with self._path(number).open("rb") as file:
            file.seek(start)
            return scan(file.read(stop - start), number, start, is_rest=stop == end)

    def bytes_of(self, number: int, stretches: Sequence[Damaged]) -> list[bytes]:
        """Stretches of a segment as they are. Raises OSError."""
        data = self._path(number).read_bytes()
        return [data[one.start : one.end] for one in stretches]

    def finish(self) -> None:
        """Write no more to the segment in hand; the next append begins another one."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def remove(self, number: int) -> None:
        """Delete a segment. Raises OSError."""
        if number == self._number:
            self.finish()
        self._path(number).unlink(missing_ok=True)
        _sync(self.folder)

    def set_aside(self, number: int, stretches: Sequence[bytes]) -> Path:
        """Keep bytes that could not be sent, for a person to look at. Raises OSError."""
        path = self.folder / f"{number:0{_NAME_DIGITS}}{_DAMAGED_SUFFIX}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _write(descriptor, b"".join(stretches))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _sync(self.folder)
        return path

    def _numbers(self, suffix: str) -> list[int]:
        return sorted(int(path.stem) for path in self.folder.glob(_DIGITS + suffix))

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:0{_NAME_DIGITS}}{_SUFFIX}"

    def _writable(self) -> int:
        if self._file is not None and self._end < self._segment_bytes:
            return self._file
        self.finish()
        path = self._path(self._number + 1)
        file = os.open(path, _NEW, 0o600)
        try:
            _sync(self.folder)
        except OSError:
            os.close(file)
            path.unlink()
            raise
        self._file, self._number, self._end = file, self._number + 1, 0
        return file

    def _undo(self, file: int) -> None:
        """Take back what a failed append wrote; if even that fails, begin another segment."""
        try:
            os.ftruncate(file, self._end)
        except OSError:
            self.finish()


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
