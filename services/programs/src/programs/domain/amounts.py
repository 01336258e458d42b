"""How people write durations, money, shares and times, and what they mean exactly."""

import re
from datetime import UTC, datetime
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, WithJsonSchema
from shared_schemas.money import MAX_MINOR, Money, UnknownCurrency, digits_of

MAX_SECONDS = 10 * 365 * 86_400
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_DURATION = re.compile(r"([0-9]{1,10})\s*([smhdw])?")
_MONEY = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,6}))?\s+([A-Z]{3})")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%")
_RATIO = re.compile(r"([0-9]{1,9})/([1-9][0-9]{0,8})")


def seconds_of(text: object) -> int:
    """Whole seconds of `5`, `"5s"`, `"15m"`, `"2h"`, `"30d"` or `"4w"`. Raises ValueError."""
    plain = str(text) if isinstance(text, int) and not isinstance(text, bool) else text
    match = _DURATION.fullmatch(plain.strip()) if isinstance(plain, str) else None
    if match is None:
        raise ValueError('write a duration as whole seconds or as text like "5s", "12h" or "30d"')
    seconds = int(match[1]) * _UNITS[match[2] or "s"]
    if seconds > MAX_SECONDS:
        raise ValueError("a duration is at most ten years")
    return seconds


def money_of(text: object) -> Money:
    """Exact minor units of `"12.50 EUR"`. Raises ValueError, also for more digits than there are.

    Nothing is rounded: an amount that the currency cannot express is a mistake of its author.
    """
    if isinstance(text, Money):
        return text
    match = _MONEY.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError('write an amount as decimal text with its currency, such as "12.50 EUR"')
    whole, decimals, currency = match[1], match[2] or "", match[3]
    try:
        digits = digits_of(currency)
    except UnknownCurrency as unknown:
        raise ValueError(f"{unknown}; use a code such as EUR, USD or JPY") from None
    if len(decimals) > digits:
        raise ValueError(f"{currency} has {digits} decimal digits, {match[0]!r} has more")
    minor = int(whole + decimals.ljust(digits, "0"))
    if minor > MAX_MINOR:
        raise ValueError(f"an amount has at most {MAX_MINOR} minor units")
    return Money.of(minor, currency)


def share_of(text: object) -> str:
    """An exact fraction above 0 and at most 1, from `"10%"`, `"12.5 %"` or `"1/8"`, as `p/q`."""
    stripped = text.strip() if isinstance(text, str) else ""
    if match := _PERCENT.fullmatch(stripped):
        share = Fraction(match[1]) / 100
    elif match := _RATIO.fullmatch(stripped):
        share = Fraction(int(match[1]), int(match[2]))
    else:
        raise ValueError('write a percentage as text like "10%", "12.5%" or "1/8"')
    if not 0 < share <= 1:
        raise ValueError("a percentage is above 0% and at most 100%")
    return str(share)


def duration_text(seconds: int) -> str:
    """A duration in the largest unit that says it exactly: `30 days`, `90 seconds`."""
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % unit == 0:
            return _counted(seconds // unit, name)
    return _counted(seconds, "second")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


_TEXT = {"type": "string"}
Duration = Annotated[
    int,
    BeforeValidator(seconds_of),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, _TEXT], "examples": ["30d"]}),
]
Amount = Annotated[
    Money, BeforeValidator(money_of), WithJsonSchema(_TEXT | {"examples": ["12.50 EUR"]})
]
Share = Annotated[str, BeforeValidator(share_of), WithJsonSchema(_TEXT | {"examples": ["10%"]})]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
