"""Values as columns, and rows as values: how sets of them cross to PostgreSQL and back."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

V = TypeVar("V")


def columns(values: Iterable[V], *getters: Callable[[V], Any]) -> list[list[Any]]:
    """One list a getter, in the order of the values: the arguments of an `unnest`."""
    rows = list(values)
    return [[getter(row) for row in rows] for getter in getters]


def in_order(names: Iterable[str]) -> Sequence[str]:
    """Distinct, sorted: the order in which rows are locked."""
    return sorted(set(names))
