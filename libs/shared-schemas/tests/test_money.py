"""Money is conserved to the last minor unit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from shared_schemas.money import MAX_MINOR, Money, UnknownCurrency, digits_of, portion, split

WEIGHTS = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.fractions(min_value=Fraction(1, 10**6), max_value=10**6),
    min_size=1,
    max_size=12,
)


@given(st.integers(0, MAX_MINOR), WEIGHTS)
def test_the_parts_of_a_split_sum_to_the_whole(amount: int, weights: dict[str, Fraction]) -> None:
    parts = split(amount, weights)
    assert sum(parts.values()) == amount
    total = sum(weights.values())
    for key, part in parts.items():
        assert abs(part - amount * weights[key] / total) < 1


@given(st.integers(0, 10**9), WEIGHTS)
def test_a_split_does_not_depend_on_the_order_of_the_weights(
    amount: int, weights: dict[str, Fraction]
) -> None:
    assert split(amount, weights) == split(amount, dict(reversed(list(weights.items()))))


def test_ties_go_to_the_smaller_id() -> None:
    assert split(100, {"c": Fraction(1), "a": Fraction(1), "b": Fraction(1)}) == {
        "a": 34,
        "b": 33,
        "c": 33,
    }


@pytest.mark.parametrize("weights", [{}, {"a": Fraction(0)}, {"a": Fraction(-1), "b": Fraction(3)}])
def test_money_cannot_be_split_by_nothing(weights: dict[str, Fraction]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split(1, weights)


@pytest.mark.parametrize(
    ("amount", "share", "expected"),
    [(25, Fraction(1, 10), 2), (35, Fraction(1, 10), 4), (15, Fraction(1, 10), 2), (1, 1, 1)],
)
def test_a_portion_is_rounded_half_even(amount: int, share: Fraction, expected: int) -> None:
    assert portion(amount, Fraction(share)) == expected


@pytest.mark.parametrize(("currency", "digits"), [("JPY", 0), ("EUR", 2), ("KWD", 3)])
def test_currencies_have_their_own_digits(currency: str, digits: int) -> None:
    assert digits_of(currency) == digits


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money.of(5, "JPY"), "5 JPY"),
        (Money.of(5, "EUR"), "0.05 EUR"),
        (Money.of(12_345, "KWD"), "12.345 KWD"),
    ],
)
def test_money_reads_as_people_write_it(amount: Money, text: str) -> None:
    assert str(amount) == text


@pytest.mark.parametrize("currency", ["QQQ", "ABC", "eur"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises((UnknownCurrency, ValidationError)):
        Money.of(1, currency)


@pytest.mark.parametrize("amount", [-1, MAX_MINOR + 1, 1.5, "1", True])
def test_an_amount_is_a_whole_number_in_range(amount: object) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount_minor": amount, "currency": "EUR", "digits": 2})


def test_digits_must_be_the_currencys() -> None:
    with pytest.raises(ValidationError, match="JPY has 0 digits"):
        Money(amount_minor=1, currency="JPY", digits=2)
