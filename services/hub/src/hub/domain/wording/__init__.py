"""The pages' own words in English and German."""

from collections.abc import Mapping
from typing import Final

from sentences.reading import LANGUAGES

from .pages import PAGES
from .values import VALUES

_WORDS: Final[Mapping[str, tuple[str, str]]] = {**PAGES, **VALUES}


def words(language: str) -> Mapping[str, str]:
    """The catalogue of a language; English for one that there is not."""
    column = LANGUAGES.index(language) if language in LANGUAGES else 0
    return {name: texts[column] for name, texts in _WORDS.items()}


def preferred(accept_language: str) -> str:
    """The best language for an `Accept-Language` header (RFC 9110, 12.5.4), without weights."""
    for item in accept_language.split(","):
        code = item.strip()[:2].lower()
        if code in LANGUAGES:
            return code
    return LANGUAGES[0]
