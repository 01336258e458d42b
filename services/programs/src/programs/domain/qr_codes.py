"""A link's address as a QR code (ISO/IEC 18004), drawn by segno."""

from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

import segno

MIN_PIXELS, MAX_PIXELS = 64, 2_048
MAX_BORDER = 16


class Repair(StrEnum):
    """How much of a damaged code can still be read: about 7, 15, 25 and 30 %."""

    LOW = "L"
    MEDIUM = "M"
    QUARTER = "Q"
    HIGH = "H"


class TooSmall(ValueError):
    """The picture has fewer pixels than the code has modules; the message says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How to draw: `pixels` a side (an upper bound for PNG), `border` in modules around it."""

    pixels: int = 512
    border: int = 4
    repair: Repair = Repair.MEDIUM


def svg(address: str, drawing: Drawing) -> bytes:
    """The code as an SVG picture of exactly so many pixels a side."""
    code = _code(address, drawing)
    side, _ = code.symbol_size(border=drawing.border)
    out = BytesIO()
    code.save(out, kind="svg", scale=drawing.pixels / side, border=drawing.border, light="#fff")
    return out.getvalue()


def png(address: str, drawing: Drawing) -> bytes:
    """The code as a PNG picture: each module the same whole number of pixels. Raises TooSmall."""
    code = _code(address, drawing)
    side, _ = code.symbol_size(border=drawing.border)
    if side > drawing.pixels:
        raise TooSmall(f"this code needs at least {side} pixels a side")
    out = BytesIO()
    code.save(out, kind="png", scale=drawing.pixels // int(side), border=drawing.border)
    return out.getvalue()


def _code(address: str, drawing: Drawing) -> segno.QRCode:
    return segno.make(address, error=drawing.repair.value, micro=False)
