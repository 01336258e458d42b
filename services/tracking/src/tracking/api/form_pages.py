"""What people see after a form without JavaScript, in their language; no foreign assets."""

from enum import StrEnum

from ..domain.outcome import Outcome
from .pages import chosen_language, rendered


class Said(StrEnum):
    """What a page says."""

    TAKEN = "taken"
    OPTED_OUT = "opted_out"
    NO_CONSENT = "no_consent"
    UNKNOWN_CODE = "unknown_code"
    CONTACT = "contact"
    REFUSED = "refused"
    LATER = "later"


_BY_CODE = {
    "no_consent": Said.NO_CONSENT,
    "unknown_code": Said.UNKNOWN_CODE,
    "code_ended": Said.UNKNOWN_CODE,
    "no_contact": Said.CONTACT,
    "invalid_email": Said.CONTACT,
    "invalid_phone": Said.CONTACT,
    "invalid_contact": Said.CONTACT,
}
_TEXTS = {
    "en": {
        Said.TAKEN: ("Thank you", "We have received what you sent."),
        Said.OPTED_OUT: (
            "You have opted out",
            "We do not recognise this browser any more. Codes that you enter go on working.",
        ),
        Said.NO_CONSENT: (
            "Not without consent",
            "We kept nothing. Without the person's consent we may not keep how to reach them.",
        ),
        Said.UNKNOWN_CODE: (
            "We do not know this code",
            "It may have ended, or a character got lost. Please go back and compare it with the"
            " one you were given.",
        ),
        Said.CONTACT: (
            "We cannot reach anybody like this",
            "Please go back and check the e-mail address and the phone number. A phone number"
            " begins with its country, such as +49 30 123456.",
        ),
        Said.REFUSED: (
            "That did not work",
            "Something in the form was missing or not right. Please go back and check it.",
        ),
        Said.LATER: (
            "One moment, please",
            "We could not keep what you sent. Please send it again in a few seconds.",
        ),
    },
    "de": {
        Said.TAKEN: ("Vielen Dank", "Ihre Angaben sind bei uns angekommen."),
        Said.OPTED_OUT: (
            "Sie haben widersprochen",
            "Wir erkennen diesen Browser nicht mehr wieder. Codes, die Sie eingeben, gelten"
            " weiterhin.",
        ),
        Said.NO_CONSENT: (
            "Nicht ohne Einwilligung",
            "Wir haben nichts gespeichert. Ohne Einwilligung der Person dürfen wir nicht"
            " festhalten, wie sie zu erreichen ist.",
        ),
        Said.UNKNOWN_CODE: (
            "Diesen Code kennen wir nicht",
            "Vielleicht ist er abgelaufen, oder ein Zeichen ging verloren. Bitte gehen Sie zurück"
            " und vergleichen Sie ihn mit dem, den Sie bekommen haben.",
        ),
        Said.CONTACT: (
            "So erreichen wir niemanden",
            "Bitte gehen Sie zurück und prüfen Sie E-Mail-Adresse und Telefonnummer. Eine"
            " Telefonnummer beginnt mit ihrem Land, etwa +49 30 123456.",
        ),
        Said.REFUSED: (
            "Das hat nicht geklappt",
            "Etwas im Formular fehlte oder stimmte nicht. Bitte gehen Sie zurück und prüfen Sie"
            " es.",
        ),
        Said.LATER: (
            "Einen Moment bitte",
            "Wir konnten Ihre Angaben nicht festhalten. Bitte senden Sie sie in einigen Sekunden"
            " noch einmal.",
        ),
    },
}


def said_of(outcome: Outcome, *, optout: bool) -> Said:
    """What a page says of an outcome."""
    if outcome.event is not None:
        return Said.OPTED_OUT if optout else Said.TAKEN
    if outcome.status == 503:
        return Said.LATER
    return _BY_CODE.get(outcome.code, Said.REFUSED)


def form_page(said: Said, accept_language: str, market_language: str | None) -> bytes:
    """The page in the first language that the browser accepts and we speak, else the market's."""
    language = chosen_language(_TEXTS, accept_language, market_language)
    return rendered(language, *_TEXTS[language][said])
