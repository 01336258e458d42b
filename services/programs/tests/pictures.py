"""Reads the PNG pictures that are drawn here: one bit a pixel, filters "none" and "up"."""

import struct
import zlib

import numpy
from numpy.typing import NDArray


def pixels_of(png: bytes) -> NDArray[numpy.uint8]:
    """Rows of 0 (black) and 255 (white)."""
    chunks, place = {}, 8
    while place < len(png):
        (size,) = struct.unpack(">I", png[place : place + 4])
        name = png[place + 4 : place + 8]
        chunks[name] = chunks.get(name, b"") + png[place + 8 : place + 8 + size]
        place += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (1, 0)
    lines = numpy.frombuffer(zlib.decompress(chunks[b"IDAT"]), numpy.uint8)
    filters, rows = lines.reshape(height, -1)[:, 0], lines.reshape(height, -1)[:, 1:].copy()
    for place in range(height):
        assert filters[place] in (0, 2)
        if filters[place] == 2:
            rows[place] += rows[place - 1]
    return numpy.unpackbits(rows, axis=1)[:, :width] * numpy.uint8(255)
