"""Generated codes: short, free of look-alikes, and checked, so that they survive a phone call.

A code is seven drawn characters and a check character over an alphabet of 31, written `K7MX-3FQ9`.
31 is prime and 3 is a primitive root of it, so the check is a pure system in the manner of ISO/IEC
7064: the sum of value x 3^place, counted from the right, is 1 modulo 31. All weights differ and
none is 0, which detects every substitution of one character and every exchange of two characters,
neighbours or not; 1 + 3 is no multiple of 31, which detects every twin error (`AA` for `BB`).
"""

import re
from collections.abc import Sequence
from enum import StrEnum

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # without 0 O, 1 I L
DRAWN = 7
"""How many characters of a code are drawn; the last one follows from them."""
_ROOT, _MODULUS, _REMAINDER = 3, len(ALPHABET), 1
_HALF = 4
_SEPARATORS = re.compile(r"[\s._-]+")
_GENERATED = re.compile(f"[{ALPHABET}]{{{DRAWN + 1}}}")
_NEARLY = re.compile(rf"[0-9A-Z]{{{DRAWN + 1}}}")
_NEARLY_IN_HALVES = re.compile(rf"(?=.{{{DRAWN + 1},{DRAWN + 3}}}$)[0-9A-Z]{{3,5}}-[0-9A-Z]{{3,5}}")
_MAX_CHARACTERS = 40


class Form(StrEnum):
    """What a text may be, judged by its form alone."""

    GENERATED = "generated"
    MISTYPED = "mistyped"
    OTHER = "other"


def generated(values: Sequence[int]) -> str:
    """The code of seven drawn values, each 0 to 30. Raises ValueError for anything else."""
    if len(values) != DRAWN or not all(0 <= value < _MODULUS for value in values):
        raise ValueError(f"a code is drawn from {DRAWN} values below {_MODULUS}")
    rest = _weighted([*values, 0])
    check = (_REMAINDER - rest) % _MODULUS
    return _in_halves("".join(ALPHABET[value] for value in (*values, check)))


def canonical(text: str) -> str | None:
    """The generated code that somebody typed, in any case and grouping; None if it is none."""
    bare = _bare(text)
    if not _GENERATED.fullmatch(bare) or not _sums_up(bare):
        return None
    return _in_halves(bare)


def form_of(text: str) -> Form:
    """Whether a text is a generated code, looks like one with a typing error, or is neither."""
    if canonical(text) is not None:
        return Form.GENERATED
    halves = text.strip().upper()
    nearly = _NEARLY.fullmatch(_bare(text)) or _NEARLY_IN_HALVES.fullmatch(halves)
    return Form.MISTYPED if nearly and len(text) <= _MAX_CHARACTERS else Form.OTHER


def imitates(code: str) -> bool:
    """Whether a code that somebody chose could be met by mistake in place of a generated one.

    It has the form of a generated code without its check, so that a typing error may lead to it,
    or it is a generated code in another spelling. Such a code must not be issued.
    """
    bare, checked = _bare(code), canonical(code)
    if checked is not None:
        return code != checked
    return code.upper() == _in_halves(bare) and _GENERATED.fullmatch(bare) is not None


def _in_halves(bare: str) -> str:
    return f"{bare[:_HALF]}-{bare[_HALF:]}"


def _bare(text: str) -> str:
    return _SEPARATORS.sub("", text).upper() if len(text) <= _MAX_CHARACTERS else ""


def _sums_up(bare: str) -> bool:
    return _weighted([ALPHABET.index(character) for character in bare]) == _REMAINDER


def _weighted(values: Sequence[int]) -> int:
    total = 0
    for value in values:  # Horner's rule: the last one has the weight 3^0
        total = (total * _ROOT + value) % _MODULUS
    return total
