"""What mails say: every state, side and language, compared with what a person has read."""

import os
from pathlib import Path

import pytest
from notifications.domain.letters import (
    Letter,
    Reader,
    Told,
    digest_letter,
    login_letter,
    money,
    reward_letter,
)
from notifications.domain.wording import WORDS, language_of
from notifications.handlers import REWARDS
from shared_schemas.events.rewards import RewardChanged

from .builders import NOW, reward

SNAPSHOT = Path(__file__).parent / "letters.txt"
URL = "https://hub.example.com/conversions/c1"


def reader(language: str = "en", **given: str) -> Reader:
    return Reader(language=language, zone="Europe/Berlin", **given)


def letter(model: type[RewardChanged], language: str, **given: object) -> Letter:
    return reward_letter(Told(model.TYPE, reward(model, **given), URL), reader(language))


def test_letters_are_as_they_were_read() -> None:
    """Set GOODWORD_WRITE_LETTERS=1 to write them again, then read them."""
    written = "\n".join(
        f"=== {model.TYPE} {side} {language}\n{made.subject}\n\n{made.text}"
        for model in REWARDS
        for side in ("referrer", "referee")
        for language in sorted(WORDS)
        for made in [letter(model, language, side=side)]
    )
    if os.environ.get("GOODWORD_WRITE_LETTERS"):
        SNAPSHOT.write_text(written)
    assert written == SNAPSHOT.read_text()


def test_every_event_has_words_in_every_language() -> None:
    for words in WORDS.values():
        assert set(words.phrases) == {model.TYPE for model in REWARDS}


@pytest.mark.parametrize(
    ("currency", "digits", "english", "german"),
    [
        ("JPY", 0, "¥123,456", "123.456 ¥"),
        ("EUR", 2, "€1,234.56", "1.234,56 €"),
        ("KWD", 3, "KWD 123.456", "123,456 KWD"),
        ("HUF", 2, "HUF 1,234.56", "1.234,56 HUF"),
    ],
)
def test_amounts_are_written_as_the_language_does_with_the_currency_s_digits(
    currency: str, digits: int, english: str, german: str
) -> None:
    plain = [money(123_456, currency, digits, one).replace("\xa0", " ") for one in ("en", "de")]
    assert plain == [english, german]


def test_what_others_wrote_is_escaped_and_never_run() -> None:
    told = reward(reason="<script>alert(1)</script> {{ 7 * 7 }}")
    made = reward_letter(Told("reward.pending.v1", told, URL), reader(name="<b>{{ 6 * 7 }}</b>"))
    assert "<script>" not in made.html
    assert "<b>" not in made.html
    assert "{{ 7 * 7 }}" in made.text
    assert "{{ 6 * 7 }}" in made.text


def test_a_subject_is_one_line() -> None:
    made = reward_letter(Told("reward.pending.v1", reward(), URL), reader(name="A\r\nBcc: x"))
    assert "\n" not in made.subject
    assert made.text.startswith("Hello A Bcc: x,")


def test_a_digest_lists_all_in_order() -> None:
    told = [Told(model.TYPE, reward(model), URL) for model in REWARDS[:3]]
    made = digest_letter(told, reader())
    assert made.subject == "3 pieces of news about your rewards"
    assert made.text.index("hold to end") < made.text.index("is approved")
    assert digest_letter(told[:1], reader("de")).subject == "1 Neuigkeit zu Ihren Prämien"


def test_a_login_letter_has_the_link_and_its_end() -> None:
    made = login_letter("https://hub.example.com/login/x.y", NOW, reader("de"))
    assert "https://hub.example.com/login/x.y" in made.text
    assert "Gültig bis" in made.html


def test_a_reader_s_language_is_the_first_that_there_are_words_in() -> None:
    assert language_of(None, "fr", "de") == "de"
    assert language_of(None, "fr") == "en"
