"""What the platform must credit, worked out from the table alone, by code of its own.

First and last are counted, linear is exact in fractions; money is split by largest remainder.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from shared_schemas.words import AttributionModel

from .paths import Route


@dataclass(slots=True)
class Credited:
    """Conversions and minor units by channel, and each order's own parts."""

    conversions: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    minor: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    orders: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, order: str, weights: Mapping[str, Fraction], parts: Mapping[str, int]) -> None:
        """One order's credit."""
        for channel, weight in weights.items():
            self.conversions[channel] += weight
            self.minor[channel] += parts[channel]
        self.orders[order] = dict(parts)


def expected(routes: Iterable[Route], model: AttributionModel) -> Credited:
    """The credit of every conversion of these routes."""
    credited = Credited()
    for route in routes:
        weights = _weights(route.channels, model)
        values = shared(route.value_minor, dict.fromkeys(route.orders, Fraction(1)))
        for order, value in values.items():
            credited.add(order, weights, shared(value, weights))
    return credited


def shared(amount: int, weights: Mapping[str, Fraction]) -> dict[str, int]:
    """Whole parts by largest remainder; ties go to the smaller name."""
    total = sum(weights.values())
    parts = {name: int(amount * weight / total) for name, weight in weights.items()}
    order = sorted(weights, key=lambda name: (parts[name] - amount * weights[name] / total, name))
    for name in order[: amount - sum(parts.values())]:
        parts[name] += 1
    return parts


def _weights(channels: Sequence[str], model: AttributionModel) -> dict[str, Fraction]:
    if model is AttributionModel.LAST:
        return {channels[-1]: Fraction(1)}
    if model is AttributionModel.FIRST:
        return {channels[0]: Fraction(1)}
    return {name: Fraction(n, len(channels)) for name, n in Counter(channels).items()}
