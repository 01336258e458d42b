"""Which of a link's own destinations somebody is led to: by market, language, or both."""

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct

from .tables import Link, Target

_MAX_LANGUAGES = 10
_SURE = 1.0


class Wish(Struct, frozen=True, kw_only=True):
    """What an address asks for (`?market=ch&language=de`), and what the browser accepts."""

    market_id: str | None = None
    language: str | None = None
    accept_language: str = ""


def destination_for(link: Link, wish: Wish, spoken: str | None) -> str:
    """The destination of the most exact target, else the link's own, which is in `spoken`.

    Market and language beat the market alone, that beats the language alone; of two languages the
    one that the browser likes better. What the browser likes less than `spoken` does not count.
    """
    if not link.targets:
        return link.destination
    languages = tuple(_wanted(wish, spoken))
    markets = {target.market_id for target in link.targets}
    asked = wish.market_id
    market_id = asked if asked is not None and asked in markets else link.market_id
    fitting = [one for one in link.targets if _fits(one, market_id, languages)]
    best = min(fitting, key=lambda one: _rank(one, languages), default=None)
    return link.destination if best is None else best.destination


def languages_of(accept_language: str) -> tuple[str, ...]:
    """The languages that a browser accepts (RFC 9110, 12.5.4), two letters each, best first."""
    weighed = [_weighed(part) for part in accept_language.split(",")[:_MAX_LANGUAGES]]
    ordered = sorted((one for one in weighed if one[1] > 0), key=lambda one: -one[1])
    return tuple(dict.fromkeys(language for language, _ in ordered if language.isalpha()))


def _wanted(wish: Wish, spoken: str | None) -> Iterator[str]:
    if wish.language is not None:
        yield wish.language
    for language in languages_of(wish.accept_language):
        yield language
        if language == spoken:
            return


def _fits(target: Target, market_id: str, languages: Sequence[str]) -> bool:
    return (target.market_id is None or target.market_id == market_id) and (
        target.language is None or target.language in languages
    )


def _rank(target: Target, languages: Sequence[str]) -> tuple[bool, bool, int]:
    language = target.language
    return (
        target.market_id is None,
        language is None,
        languages.index(language) if language is not None else 0,
    )


def _weighed(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = _SURE
    for parameter in islice(parameters, 1):
        try:
            weight = float(parameter.removeprefix("q="))
        except ValueError:
            weight = 0.0
    return name[:2], weight if weight <= _SURE else 0.0
