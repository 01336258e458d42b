"""What the deciding services say: known in every language, read exactly, said as people say it."""

import string
from datetime import timedelta
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hub.domain.sentences import CATALOGUE
from hub.domain.wording import words
from sentences.reading import KINDS, LANGUAGES, Parameter, Said
from sentences.voice import Speaker

from .sources import fragments

SAMPLES = {
    "amount": "1234.50 EUR",
    "count": "1234",
    "findings": "self_referral +100, velocity +0",
    "moment": "2026-11-17 10:00 UTC",
    "name": "peer-thanks",
    "names": "gold, silver",
    "period": "2026-11",
    "scope": "*",
    "share": "1/10",
    "span": "7200 seconds",
    "word": "purchase",
    "said": "it came after the conversion",
    "told": "it came after the conversion",
    "quote": "I know {both}",
}
WRITTEN = {
    "rewards": (
        *(f"domain/{room}" for room in ("revising", "rules", "lifecycle", "reversal", "paying")),
        *("domain/limits", "handlers/wire", "rails/webhook", "rails/addresses"),
    ),
    "attribution": (
        *(f"domain/{room}" for room in ("wording", "judging", "decision", "referrals", "book")),
        "handlers/announcing",
    ),
    "fraud": ("domain/checks", "domain/verdict"),
    "notifications": (
        *(f"senders/{room}" for room in ("mail", "smtp", "webhooks", "pump", "targets")),
        *("domain/targets", "handlers/people", "handlers/subscribing", "api/deliveries"),
    ),
}
NOT_SAID = {  # other texts in these modules, and values of sentences
    "customer id",
    "no findings",
    "%Y-%m-%d %H:%M",
    "answered 410 Gone",
    "expected smtp://[user:password@]host:port or smtps://…",
    "the host has no address",
    "This delivery is not unknown",
    "Say whose deliveries",
}


def speaker(language: str) -> Speaker:
    return Speaker(language, ZoneInfo("Europe/Berlin"), words(language))


def told(text: str, language: str = "de") -> str | None:
    return CATALOGUE.tell(text, speaker(language))


def sample(code: str) -> str:
    sentence = CATALOGUE.sentences[code]
    text = sentence.wire
    for name, kind in sentence.kinds.items():
        value = "Cap a of program b (ever, ada)" if name == "where" else SAMPLES[kind]
        text = text.replace(f"{{{name}:{kind}}}", value)
    return text


def holes(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("code", CATALOGUE.sentences)
def test_every_code_is_read_and_said_in_every_language_with_the_same_values(code: str) -> None:
    sentence = CATALOGUE.sentences[code]
    assert set(sentence.kinds.values()) <= set(KINDS)
    assert {frozenset(holes(getattr(sentence, one))) for one in LANGUAGES} == {
        frozenset(sentence.kinds)
    }
    read = CATALOGUE.read(sample(code))
    assert read is not None
    assert read.code == code
    said = [told(sample(code), language) for language in LANGUAGES]
    assert None not in said
    assert len(set(said)) == len(LANGUAGES)


@pytest.mark.parametrize("service", WRITTEN)
def test_every_sentence_that_a_service_writes_is_known(service: str) -> None:
    """A new one needs a code: rewards' in `sentences`, the others' in `hub.domain.sentences`."""
    known = [sample(code) for code in CATALOGUE.sentences]
    new = {
        fragment.pattern
        for fragment in fragments(service, *WRITTEN[service])
        if not any(fragment.search(text) for text in known)
        and not any(fragment.fullmatch(text) for text in NOT_SAID)
    }
    assert new == set()


@pytest.mark.parametrize(
    ("text", "english", "german"),
    [
        (
            "First report: none of 1 touches counts; of the last, it lies outside the window of 30"
            " days.",
            "First report: the only touch does not count: it lies outside the window of 30 days.",
            "Erste Meldung: Der einzige Kontaktpunkt zählt nicht: Er liegt außerhalb des"
            " Zeitfensters (30 Tage).",
        ),
        (
            "A touch heard until 2026-11-17 10:00 UTC may still be credited.",
            "A touch heard until Nov 17, 2026, 11:00 may still be credited.",
            "Ein Kontaktpunkt, der bis 17.11.2026, 11:00 bekannt wird, kann noch angerechnet"
            " werden.",
        ),
        (
            "Rule thanks of program eu, version 1, gives the referrer 1/10 of the credited value"
            " for purchase: 1234.50 EUR.",
            "Purchase: rule thanks of program eu, version 1, gives whoever referred 10% of the"
            " credited value: €1,234.50.",
            "Kauf: Regel thanks des Programms eu, Fassung 1, gibt dem Empfehlenden 10\xa0% des"
            " zugeordneten Werts: 1.234,50\xa0€.",
        ),
        (
            "Cap monthly of program eu (2026-11, *): 9800 JPY of 1.234 KWD were left.",
            "Limit monthly of program eu (November 2026, everybody together): ¥9,800 of"
            " KWD\xa01.234 were left.",
            "Obergrenze monthly des Programms eu (November 2026, alle zusammen): Es waren noch"
            " 9.800\xa0¥ von 1,234\xa0KWD übrig.",
        ),
        (
            "the payout failed: refused with HTTP 400: account {closed}",
            "The payout failed: the payment provider refused it (HTTP 400): “account {closed}”",
            "Die Auszahlung ist fehlgeschlagen: Der Zahlungsdienst hat sie abgelehnt (HTTP 400):"
            " „account {closed}“",
        ),
        (
            "the conversion was refunded: 3.00 EUR is left of it",
            "The conversion was refunded: €3.00 is left of it.",
            "Der Abschluss wurde erstattet: Davon bleiben 3,00\xa0€.",
        ),
        (
            "more than 20 conversions of participant ada came from one address within 5400"
            " seconds: over the limit.",
            "More than 20 conversions of participant ada came from one address within 90 minutes:"
            " over the limit.",
            "Mehr als 20 Abschlüsse von Teilnehmer ada kamen in kurzer Zeit (90 Minuten) von einer"
            " Adresse: über der Grenze.",
        ),
    ],
)
def test_values_are_written_as_the_language_does(text: str, english: str, german: str) -> None:
    assert told(text, "en") == english
    assert told(text, "de") == german


@pytest.mark.parametrize("text", ["", "account closed", "earned", "First report: who knows."])
def test_somebodys_own_words_are_no_sentence_of_ours(text: str) -> None:
    assert told(text) is None


def test_a_code_and_its_values_are_what_is_read() -> None:
    read = CATALOGUE.read("  the payout failed: no answer (TimeoutError)")
    error = {"error": Parameter("name", "TimeoutError")}
    assert read == Said("reward_payout_failed", {"why": Said("payout_no_answer", error)})


@pytest.mark.parametrize(
    "value",
    [
        Parameter("moment", "2026-99-99 99:99 UTC"),
        Parameter("period", "2026-13"),
        Parameter("scope", "ada"),
        Parameter("name", "{ada}"),
    ],
)
def test_what_cannot_be_written_otherwise_is_left_as_it_came(value: Parameter) -> None:
    assert speaker("de").value(value) == value.text


def test_no_text_takes_long_to_read() -> None:
    often = "; 1 refund(s) in another currency do not count" * 40
    began = process_time()
    for text in ("First report: " * 60 + "x" + often, "a: " * 600, "1 " * 900, "{why}" * 400):
        assert told(text[:2_000]) is None
    assert timedelta(seconds=process_time() - began) < timedelta(seconds=2)
