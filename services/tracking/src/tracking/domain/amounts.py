"""Amounts as clients write them, as whole minor units: exact, or half-even and marked."""

import re
from decimal import ROUND_HALF_EVEN, Decimal

from shared_schemas.money import MAX_MINOR, UnknownCurrency, digits_of

from .fields import Fields
from .outcome import Refused

_PLAIN = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
_MOST_DIGITS = 18
_LEAST_DIGITS = -30


def first_amount(fields: Fields, *names: str) -> Decimal | None:
    """The first of the named fields that is there: a number, or plain decimal text.

    Raises Refused for what is no amount or a negative one. Numbers come as Decimal or int, so that
    the digits are those that the client wrote.
    """
    for name in names:
        value = fields.get(name)
        if value is not None and value != "":
            return _amount(value, name)
    return None


def currency_of(fields: Fields) -> str | None:
    """The ISO 4217 code that is named, None if none is. Raises Refused for an unknown one."""
    value = fields.get("currency")
    if value is None or value == "":
        return None
    code = value.strip().upper() if isinstance(value, str) else ""
    try:
        if len(code) == 3 and code.isascii() and digits_of(code) >= 0:
            return code
    except UnknownCurrency:
        pass
    raise Refused("invalid_currency", "currency is not an ISO 4217 code with minor units")


def minor_units(amount: Decimal, currency: str) -> tuple[int, bool]:
    """The amount in minor units of the currency, and whether it had to be rounded (half-even).

    Raises Refused beyond what any reader of JSON holds exactly.
    """
    if amount and amount.adjusted() > _MOST_DIGITS:
        raise Refused("invalid_amount", "the amount is too large")
    if amount and amount.adjusted() < _LEAST_DIGITS:
        return 0, True
    exact = amount.scaleb(digits_of(currency))
    minor = int(exact.to_integral_value(ROUND_HALF_EVEN))
    if minor > MAX_MINOR:
        raise Refused("invalid_amount", "the amount is too large")
    return minor, minor != exact


def _amount(value: object, name: str) -> Decimal:
    if type(value) is str and _PLAIN.fullmatch(value.strip()):
        value = Decimal(value.strip())
    elif type(value) is int and abs(value) <= 10**_MOST_DIGITS:
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        raise Refused("invalid_amount", f"{name} is not a decimal number of bearable size")
    if value < 0:
        raise Refused("invalid_amount", f"{name} is negative; a refund is a call of its own")
    return value
