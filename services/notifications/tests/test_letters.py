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
    reward_letter,
)
from notifications.domain.wording import WORDS, language_of
from notifications.handlers import REWARDS
from shared_schemas.events.rewards import (
    RewardApproved,
    RewardChanged,
    RewardClawedBack,
    RewardDeclined,
    RewardExpired,
    RewardFulfilled,
    RewardFulfilling,
    RewardHeld,
    RewardPending,
    RewardRevised,
)

from .builders import NOW, reward

SNAPSHOT = Path(__file__).parent / "letters.txt"
URL = "https://hub.example.com/conversions/c1"
CLEARED = (
    "The fraud check cleared revision 1 with score 0 under rules 2026-11.1: velocity +0.",
    "Cap monthly of program friends (2026-11, ann): 12.50 EUR of 500.00 EUR were left.",
)
SAID: dict[type[RewardChanged], tuple[str, tuple[str, ...], str]] = {
    RewardPending: (
        "earned, and on hold",
        (),
        "It is approved when the hold ends, if the fraud check clears it.",
    ),
    RewardHeld: ("under_review", (), "A reviewer has to decide."),
    RewardApproved: (
        "the hold is over and the fraud check cleared it",
        CLEARED,
        "It is paid now.",
    ),
    RewardFulfilling: (
        "12.50 EUR is being paid",
        ("1.00 EUR goes against what was owed back.",),
        "The account_credit rail is asked to pay.",
    ),
    RewardFulfilled: ("paid: 12.50 EUR", (), "Nothing is left to do."),
    RewardDeclined: ("tier basic is not among gold, silver", (), "Nothing is owed."),
    RewardExpired: ("nobody decided in time", (), "Nothing more will come of this reward."),
    RewardRevised: (
        "the conversion was refunded: 8.00 EUR is left of it",
        ("Refunds leave 2/3 of the conversion.",),
        "It is decided when the hold ends.",
    ),
    RewardClawedBack: (
        "the conversion was refunded",
        (),
        "12.50 EUR will be netted against the next rewards.",
    ),
}


def reader(language: str = "en", **given: str) -> Reader:
    return Reader(language=language, zone="Europe/Berlin", **given)


def letter(model: type[RewardChanged], language: str, **given: object) -> Letter:
    """As rewards says it in that state; only what is on hold is told until when."""
    reason, lines, next_step = SAID[model]
    made = reward(model)
    said = {
        "reason": reason,
        "explanation": [*made.explanation, *lines],
        "next_step": next_step,
        "next_at": made.next_at if model in (RewardPending, RewardHeld, RewardRevised) else None,
    }
    told = reward(model, **{**said, **given})
    return reward_letter(Told(model.TYPE, told, URL), reader(language))


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
    voices = [reader(language).voice for language in ("en", "de")]
    plain = [one.money(123_456, currency, digits).replace("\xa0", " ") for one in voices]
    assert plain == [english, german]


def test_what_others_wrote_is_escaped_and_never_run() -> None:
    told = reward(reason="<script>alert(1)</script> {{ 7 * 7 }}")
    made = reward_letter(Told("reward.pending.v1", told, URL), reader(name="<b>{{ 6 * 7 }}</b>"))
    assert "<script>" not in made.html
    assert "<b>" not in made.html
    assert "“<script>alert(1)</script> {{ 7 * 7 }}”" in made.text
    assert "{{ 6 * 7 }}" in made.text


def test_a_german_letter_is_german_but_for_somebodys_own_words() -> None:
    reason = "the payout failed: refused with HTTP 400: account closed"
    made = letter(RewardApproved, "de", reason=reason)
    assert (
        "Warum: Die Auszahlung ist fehlgeschlagen: Der Zahlungsdienst hat sie abgelehnt (HTTP 400):"
        " „account closed“" in made.text
    )
    for english in (" the ", " is ", "Rule ", "Cap ", "EUR"):
        assert english not in made.text
    assert "(voraussichtlich bis 16. November 2026, 12:00)." in letter(RewardPending, "de").text


def test_a_subject_is_one_line() -> None:
    made = reward_letter(Told("reward.pending.v1", reward(), URL), reader(name="A\r\nBcc: x"))
    assert "\n" not in made.subject
    assert made.text.startswith("Hello A Bcc: x,")


def test_a_digest_lists_all_in_order() -> None:
    told = [Told(model.TYPE, reward(model), URL) for model in REWARDS[:3]]
    made = digest_letter(told, reader())
    assert made.subject == "3 pieces of news about your rewards"
    assert made.text.index("you have earned") < made.text.index("is approved")
    assert digest_letter(told[:1], reader("de")).subject == "1 Neuigkeit zu Ihren Prämien"


def test_a_login_letter_has_the_link_and_its_end() -> None:
    made = login_letter("https://hub.example.com/login/x.y", NOW, reader("de"))
    assert "https://hub.example.com/login/x.y" in made.text
    assert "Gültig bis" in made.html


def test_a_reader_s_language_is_the_first_that_there_are_words_in() -> None:
    assert language_of(None, "fr", "de") == "de"
    assert language_of(None, "fr") == "en"
