"""Compares what came of the journeys with `expected.yaml`, which was written by hand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import yaml
from shared_schemas.money import Money

Document = Mapping[str, Any]
_FOLDER = files(__package__)
_PARTS: Final = ("because", "because_verdict")  # the expected text is a part of the actual one
_NOTHING: Final[Document] = {
    "credits": {},
    "refused": {},
    "verdict": None,
    "rewards": {},
    "messages": {},
}


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as it should be."""

    where: str
    expected: object
    actual: object

    @property
    def journey(self) -> str:
        """The journey that it belongs to, or `outside` or `totals`."""
        return self.where.partition(" ")[0]


def load_expected() -> Document:
    """The hand-written expectations."""
    document: Document = yaml.safe_load((_FOLDER / "expected.yaml").read_text(encoding="utf-8"))
    return document


def conversion_expected(said: Document) -> Document:
    """One conversion's expectations with what they leave out: nothing, and no refund."""
    currency = said["amount"].rpartition(" ")[2]
    return {"refunded": str(Money.of(0, currency)), **_NOTHING, **said}


def differences(where: str, expected: object, actual: object) -> Iterator[Mismatch]:
    """Every leaf that differs. A text that is only a part must be in the actual one."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        parts = {name for name in expected if name in _PARTS}
        for name in sorted(parts):
            if expected[name] not in actual.get(name, ""):
                yield Mismatch(f"{where} {name}", expected[name], actual.get(name))
        explained = set(_PARTS)
        for name in sorted((expected.keys() | actual.keys()) - explained):
            yield from differences(f"{where} {name}", expected.get(name), actual.get(name))
    elif expected != actual:
        yield Mismatch(where, expected, actual)
