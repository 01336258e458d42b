"""What rewards says, in mails: every code in every language, and nothing of how risk counts."""

import string
from zoneinfo import ZoneInfo

import pytest
from notifications.domain.sentences import CATALOGUE
from notifications.domain.wording import WORDS
from sentences.arithmetic import ARITHMETIC
from sentences.payouts import PAYOUTS
from sentences.reading import LANGUAGES
from sentences.rewards import REWARDS
from sentences.values import values
from sentences.voice import Speaker
from shared_schemas.states import VerdictState
from shared_schemas.words import Rail, Trigger

SAMPLES = {
    "amount": "1234.50 EUR",
    "count": "1234",
    "findings": "self_referral +100",
    "name": "thanks",
    "names": "gold, silver",
    "period": "ever",
    "scope": "*",
    "share": "1/3",
    "word": "purchase",
    "said": "the conversion was refunded",
    "told": "account closed",
    "quote": "account closed",
}


def told(text: str, language: str) -> str | None:
    voice = Speaker(language, ZoneInfo("Europe/Berlin"), values(language), dates="long")
    return CATALOGUE.tell(text, voice)


def holes(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_there_are_sentences_in_the_languages_of_the_mails() -> None:
    assert set(LANGUAGES) == set(WORDS)


def test_mails_know_every_sentence_of_rewards_as_it_is_written() -> None:
    written = {**REWARDS, **ARITHMETIC, **PAYOUTS}
    assert {code: one.wire for code, one in CATALOGUE.sentences.items()} == {
        code: one.wire for code, one in written.items()
    }


@pytest.mark.parametrize("code", CATALOGUE.sentences)
def test_every_code_is_read_and_said_in_every_language_with_the_same_values(code: str) -> None:
    sentence = CATALOGUE.sentences[code]
    english, german = (holes(getattr(sentence, language)) for language in LANGUAGES)
    assert english == german
    assert english <= set(sentence.kinds)
    text = sentence.wire
    for name, kind in sentence.kinds.items():
        value = "Cap a of program b (2026-11, ada)" if name == "where" else SAMPLES[kind]
        text = text.replace(f"{{{name}:{kind}}}", value)
    read = CATALOGUE.read(text)
    assert read is not None
    assert read.code == code
    assert len({told(text, language) for language in LANGUAGES} - {None}) == len(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_that_a_sentence_may_name_has_a_name(language: str) -> None:
    named = {f"is_{value}" for one in (Trigger, Rail, VerdictState) for value in one}
    assert named <= set(values(language))


def test_how_the_risk_check_counts_is_not_told() -> None:
    line = (
        "The last verdict is on another revision. The fraud check rejected revision 2 with score"
        " 160 under rules 2026-11.1: self_referral +100, velocity +60."
    )
    for language in LANGUAGES:
        said = told(line, language)
        assert said is not None
        assert "160" not in said
        assert "self" not in said
