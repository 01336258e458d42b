"""The table of the `mta` package: paths of channels, how often each was gone, what came of it.

The package (MIT) is needed by this alone; its data is read without importing it or pandas.
"""

import csv
import gzip
import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from shared_schemas.ids import derived
from shared_schemas.money import digits_of

from ..errors import PlatformError

CURRENCY: Final = "KWD"  # three digits, as the table's values have
_FILE = Path("data") / "data.csv.gz"
_SEPARATOR = " > "
_SEED = 2026


class NoTable(PlatformError):
    """The package with the table is not installed."""

    def __init__(self) -> None:
        super().__init__("The mta package is not installed; `make replay` brings it along.")


@dataclass(frozen=True)
class Route:
    """One row: `conversions` and `nulls` journeys along the same `channels`."""

    number: int
    channels: tuple[str, ...]
    conversions: int
    nulls: int
    value_minor: int

    @property
    def journeys(self) -> int:
        """How many visitors went this way."""
        return self.conversions + self.nulls

    @property
    def touches(self) -> int:
        """How many clicks all of them made."""
        return self.journeys * len(self.channels)

    @cached_property
    def orders(self) -> Sequence[str]:
        """The reference of each conversion, in order."""
        return [f"mta-{self.number:05d}-{n:04d}" for n in range(self.conversions)]

    def visitor(self, n: int) -> str:
        """The nth visitor's id, as the cookie holds it; those who convert come first."""
        return derived("mta-visitor", self.number, n).replace("-", "")


def read_paths() -> list[Route]:
    """The whole table. Raises NoTable."""
    spec = find_spec("mta")
    if spec is None or not spec.submodule_search_locations:
        raise NoTable
    file = Path(spec.submodule_search_locations[0]) / _FILE
    with gzip.open(file, "rt", encoding="utf-8", newline="") as opened:
        return [_route(number, row) for number, row in enumerate(csv.DictReader(opened))]


def sample(paths: Sequence[Route], limit: int | None) -> list[Route]:
    """Some paths, the same ones each time; all of them without a limit."""
    if limit is None or limit >= len(paths):
        return list(paths)
    chosen = random.Random(_SEED).sample(paths, limit)  # noqa: S311 - a sample, no secret
    return sorted(chosen, key=lambda path: path.number)


def channels_of(paths: Sequence[Route]) -> list[str]:
    """Every channel, sorted."""
    return sorted({channel for path in paths for channel in path.channels})


def _route(number: int, row: dict[str, str]) -> Route:
    exact = Decimal(row["total_conversion_value"]).scaleb(digits_of(CURRENCY))
    return Route(
        number=number,
        channels=tuple(row["path"].split(_SEPARATOR)),
        conversions=int(row["total_conversions"]),
        nulls=int(row["total_null"]),
        value_minor=int(exact.to_integral_value(ROUND_HALF_EVEN)),
    )
