"""How a language says amounts, times and the other values of sentences (CLDR, by Babel)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent, parse_pattern
from babel.units import format_unit

from .reading import Parameter

_SECONDS: Final = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_CODE_BEFORE_NUMBER: Final = re.compile(r"[A-Z](?=\d)")  # CLDR: a code keeps its distance
_QUOTES: Final = {"en": ("\u201c", "\u201d"), "de": ("\u201e", "\u201c")}


@dataclass(frozen=True, slots=True)
class Speaker:
    """The voice of one language in one zone; `words` names the values of closed vocabularies,
    each under `is_` and its own name. `dates`: `medium`, or `long` as in letters.
    """

    language: str
    zone: ZoneInfo
    words: Mapping[str, str]
    dates: str = "medium"

    def money(self, amount_minor: int, currency: str, digits: int) -> str:
        """An amount with exactly the currency's ISO 4217 digits."""
        locale = Locale.parse(self.language)
        pattern = parse_pattern(locale.currency_formats["standard"].pattern)
        pattern.frac_prec = (digits, digits)
        value = Decimal(amount_minor).scaleb(-digits)
        text: str = pattern.apply(value, locale, currency=currency, currency_digits=False)
        return _CODE_BEFORE_NUMBER.sub("\\g<0>\N{NO-BREAK SPACE}", text)

    def moment(self, moment: datetime, clock: str = "%H:%M") -> str:
        """A time in the zone, to the minute unless `clock` asks for more."""
        local = moment.astimezone(self.zone)
        return f"{format_date(local, self.dates, locale=self.language)}, {local:{clock}}"

    def quote(self, text: str) -> str:
        """Somebody's own words."""
        before, after = _QUOTES[self.language]
        return f"{before}{text}{after}"

    def named(self, value: object) -> str:
        """A value of a closed vocabulary, as people say it."""
        text = str(value)
        return self.words.get(f"is_{text}", text.replace("_", " "))

    def value(self, parameter: Parameter) -> str:
        """A parameter as the language writes it; what cannot be is left as it came."""
        say = _SAID.get(parameter.kind)
        try:
            return say(self, parameter.text) if say else parameter.text
        except ValueError:
            return parameter.text


def _amount(voice: Speaker, text: str) -> str:
    number, currency = text.split(" ")
    whole, _, rest = number.partition(".")
    return voice.money(int(whole + rest), currency, len(rest))


def _count(voice: Speaker, text: str) -> str:
    return str(format_decimal(int(text), locale=voice.language))


def _findings(voice: Speaker, text: str) -> str:
    if text == "no findings":
        return voice.words["check_none"]
    items = (item.rpartition(" ") for item in text.split(", "))
    return ", ".join(
        f"{voice.words.get(f'check_{name}', name)} {points}" for name, _, points in items
    )


def _moment(voice: Speaker, text: str) -> str:
    return voice.moment(datetime.strptime(text, "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC))


def _names(voice: Speaker, text: str) -> str:
    return str(format_list(text.split(", "), locale=voice.language))


def _period(voice: Speaker, text: str) -> str:
    if text == "ever":
        return voice.words["period_ever"]
    year, month = map(int, text.split("-"))
    return str(format_skeleton("yMMMM", date(year, month, 1), locale=voice.language))


def _scope(voice: Speaker, text: str) -> str:
    return voice.words["scope_everybody"] if text == "*" else text


def _share(voice: Speaker, text: str) -> str:
    share = Fraction(text)
    if (share * 100).denominator != 1:
        return text
    return str(format_percent(Decimal(int(share * 100)) / 100, locale=voice.language))


def _span(voice: Speaker, text: str) -> str:
    number, unit = text.split(" ")
    seconds = int(number) * _SECONDS[unit]
    one = next(unit for unit, length in _SECONDS.items() if seconds % length == 0)
    measure = f"duration-{one.removesuffix('s')}"
    return str(format_unit(seconds // _SECONDS[one], measure, "long", locale=voice.language))


_SAID: Final[Mapping[str, Callable[[Speaker, str], str]]] = {
    "amount": _amount,
    "count": _count,
    "findings": _findings,
    "moment": _moment,
    "names": _names,
    "period": _period,
    "quote": Speaker.quote,
    "scope": _scope,
    "share": _share,
    "span": _span,
    "word": Speaker.named,
}
