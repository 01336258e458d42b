"""Money is an integer number of minor units of an ISO 4217 currency. Nothing is ever a float."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Annotated

from iso4217 import Currency
from pydantic import Field, StringConstraints, model_validator

from .event import Value

MAX_MINOR = 2**53 - 1  # exact in every JSON reader
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Minor = Annotated[int, Field(ge=0, le=MAX_MINOR, strict=True)]


class UnknownCurrency(ValueError):
    """Not an ISO 4217 code with minor units."""


@lru_cache(maxsize=256)
def digits_of(currency: str) -> int:
    """Decimal digits of the currency: 0 for JPY, 2 for EUR, 3 for KWD. Raises UnknownCurrency."""
    try:
        exponent = Currency(currency).exponent
    except ValueError:
        raise UnknownCurrency(f"{currency} is not an ISO 4217 currency") from None
    if exponent is None:
        raise UnknownCurrency(f"{currency} has no minor units")
    return int(exponent)


class Money(Value):
    """An amount, never negative; `digits` is repeated for readers without an ISO 4217 table."""

    amount_minor: Minor
    currency: CurrencyCode
    digits: Annotated[int, Field(ge=0, le=4)]

    @model_validator(mode="after")
    def _digits_agree(self) -> "Money":
        if digits_of(self.currency) != self.digits:
            raise ValueError(f"{self.currency} has {digits_of(self.currency)} digits")
        return self

    @classmethod
    def of(cls, amount_minor: int, currency: str) -> "Money":
        """Money with the currency's own digits."""
        return cls(amount_minor=amount_minor, currency=currency, digits=digits_of(currency))

    def __str__(self) -> str:
        if self.digits == 0:
            return f"{self.amount_minor} {self.currency}"
        whole, rest = divmod(self.amount_minor, 10**self.digits)
        return f"{whole}.{rest:0{self.digits}d} {self.currency}"


def split(amount_minor: int, weights: Mapping[str, Fraction]) -> dict[str, int]:
    """Split an amount by exact weights; the parts sum to it to the last minor unit.

    Largest remainder (Hamilton's method), ties by key. Weights are positive and need not sum to
    one. Raises ValueError for an empty or non-positive split of money that is there.
    """
    if not weights and amount_minor == 0:
        return {}
    total = sum(weights.values(), Fraction(0))
    if total <= 0 or any(weight < 0 for weight in weights.values()):
        raise ValueError("weights must be non-negative and sum to more than zero")
    exact = {key: amount_minor * weight / total for key, weight in weights.items()}
    floors = {key: part.numerator // part.denominator for key, part in exact.items()}
    left = amount_minor - sum(floors.values())
    by_remainder = sorted(exact, key=lambda key: (floors[key] - exact[key], key))
    for key in by_remainder[:left]:
        floors[key] += 1
    return floors


def portion(amount_minor: int, share: Fraction) -> int:
    """`share` of an amount, rounded half-even once (the rounding of IEEE 754 and of ISO 80000)."""
    return round(amount_minor * share)


def total_minor(amounts: Sequence[Money]) -> int:
    """The sum of amounts of one currency. Raises ValueError when currencies are mixed."""
    if len({amount.currency for amount in amounts}) > 1:
        raise ValueError("amounts of different currencies do not add up")
    return sum(amount.amount_minor for amount in amounts)
