"""The tables on disk, so that tracking redirects when it is started while Kafka is away.

One JSON entry a line, the last line their number and SHA-256; written beside and renamed, so that a
crash leaves either the former file or the new one.
"""

import os
from collections.abc import Iterable
from hashlib import sha256
from itertools import islice
from pathlib import Path

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder, Encoder

from .registry import Entry

_LINES_AT_ONCE = 500  # between slices the event loop gets its turn
_encode_lines = Encoder().encode_lines
_decode_lines = Decoder(Entry).decode_lines


class SnapshotUnreadable(Exception):
    """The file is damaged, or of another version."""


class Seal(Struct, frozen=True):
    """The last line: what the lines before it must add up to."""

    entries: int
    sha256: str


_seal = Decoder(Seal).decode


def save(path: Path, entries: Iterable[Entry]) -> None:
    """Replace the snapshot. Raises OSError, and then leaves the former one in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    digest, count, remaining = sha256(), 0, iter(entries)
    with beside.open("wb") as file:
        while some := list(islice(remaining, _LINES_AT_ONCE)):
            lines = _encode_lines(some)
            digest.update(lines)
            count += len(some)
            file.write(lines)
        file.write(_encode_lines([Seal(count, digest.hexdigest())]))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync_folder(path.parent)


def load(path: Path) -> list[Entry]:
    """The entries of the snapshot, none without a file. Raises SnapshotUnreadable."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SnapshotUnreadable(error.strerror) from None
    lines, _, last = data.rstrip(b"\n").rpartition(b"\n")
    lines = lines + b"\n" if lines else b""
    try:
        seal = _seal(last)
        entries = _decode_lines(lines)
    except (MsgspecError, UnicodeDecodeError) as error:
        raise SnapshotUnreadable(str(error)) from None
    if seal != Seal(len(entries), sha256(lines).hexdigest()):
        raise SnapshotUnreadable("its checksum does not fit")
    return entries


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
