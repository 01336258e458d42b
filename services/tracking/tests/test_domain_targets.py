"""Which of its own destinations a link leads to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracking.domain.tables import Target
from tracking.domain.targets import Wish, destination_for, languages_of

from .builders import link

OWN = link().destination
TARGETS = (
    Target(destination="https://a.example/de", language="de"),
    Target(destination="https://a.example/fr", language="fr"),
    Target(destination="https://a.example/ch", market_id="ch"),
    Target(destination="https://a.example/ch-fr", market_id="ch", language="fr"),
    Target(destination="https://a.example/us-es", market_id="us", language="es"),
)


@pytest.mark.parametrize(
    ("accepted", "languages"),
    [
        ("", ()),
        ("de", ("de",)),
        ("de-CH, fr;q=0.9, en;q=0.8, *;q=0.5", ("de", "fr", "en")),
        ("en;q=0.1,fr;q=0.9", ("fr", "en")),
        ("en;q=0, de", ("de",)),
        ("en;q=x, fr;q=nan, de;q=7, es;q=inf", ()),
        (",;,;;q=1,", ()),
        ("DE-ch;Q=0.5,EN", ("en", "de")),
    ],
)
def test_accepted_languages_are_read_best_first(accepted: str, languages: tuple[str, ...]) -> None:
    assert languages_of(accepted) == languages


@pytest.mark.parametrize(
    ("wish", "destination"),
    [
        (Wish(), OWN),
        (Wish(accept_language="de"), "https://a.example/de"),
        (Wish(accept_language="fr;q=0.5, de"), "https://a.example/de"),
        (Wish(accept_language="en, de;q=0.5"), OWN),  # the link's own is in English
        (Wish(accept_language="es"), "https://a.example/us-es"),
        (Wish(accept_language="it, pl"), OWN),
        (Wish(market_id="ch"), "https://a.example/ch"),
        (Wish(market_id="ch", accept_language="de"), "https://a.example/ch"),
        (Wish(market_id="ch", accept_language="fr"), "https://a.example/ch-fr"),
        (Wish(market_id="nowhere", accept_language="de"), "https://a.example/de"),
        (Wish(language="fr", accept_language="de"), "https://a.example/fr"),
        (Wish(language="https://evil.example", market_id="//evil.example"), OWN),
    ],
)
def test_the_most_exact_destination_counts(wish: Wish, destination: str) -> None:
    assert destination_for(link(targets=TARGETS), wish, "en") == destination


@given(st.text(), st.text(), st.text(), st.none() | st.text())
def test_nobody_is_led_elsewhere_whatever_they_ask_for(
    market: str, language: str, accepted: str, spoken: str | None
) -> None:
    wish = Wish(market_id=market, language=language, accept_language=accepted)
    own = {OWN, *(target.destination for target in TARGETS)}
    assert destination_for(link(targets=TARGETS), wish, spoken) in own
    assert destination_for(link(), wish, spoken) == OWN
