"""The words of mails, by language: one set of phrases for each state of a reward and each side.

Phrases are Jinja2 templates over `amount`, `name` and `count`. An operator's change of wording is a
change here, seen by the snapshot test.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared_schemas.words import Side


@dataclass(frozen=True, slots=True)
class Phrase:
    """What happened, as a subject line and as a sentence for each side."""

    subject: str
    referrer: str
    referee: str

    def happened(self, side: Side) -> str:
        """The sentence for a side."""
        return self.referrer if side is Side.REFERRER else self.referee


@dataclass(frozen=True, slots=True)
class Words:
    """One language: phrases by event type, and what surrounds them."""

    phrases: Mapping[str, Phrase]
    greeting: str
    why: str
    details: str
    next: str
    by: str
    look: str
    footer: str
    unsubscribe: str
    login_subject: str
    login: str
    login_until: str
    digest_subject: str
    digest: str


_EN = Words(
    phrases={
        "reward.pending.v1": Phrase(
            "A reward of {{ amount }} is on its way",
            "Your recommendation worked: you have earned {{ amount }}.",
            "Thank you for following a recommendation: {{ amount }} is reserved for you.",
        ),
        "reward.held.v1": Phrase(
            "Your reward of {{ amount }} needs another look",
            "Your reward of {{ amount }} is on hold until somebody has looked at it.",
            "The {{ amount }} reserved for you is on hold until somebody has looked at it.",
        ),
        "reward.approved.v1": Phrase(
            "Your reward of {{ amount }} is approved",
            "Your reward of {{ amount }} is approved. Thank you for recommending us.",
            "The {{ amount }} for following a recommendation is approved.",
        ),
        "reward.fulfilling.v1": Phrase(
            "We are paying your reward of {{ amount }}",
            "Your reward of {{ amount }} is being paid.",
            "The {{ amount }} reserved for you is being paid.",
        ),
        "reward.fulfilled.v1": Phrase(
            "Your reward of {{ amount }} is paid",
            "Your reward of {{ amount }} is paid.",
            "The {{ amount }} reserved for you is paid.",
        ),
        "reward.declined.v1": Phrase(
            "No reward this time",
            "This recommendation earns no reward.",
            "There is no reward for this order.",
        ),
        "reward.expired.v1": Phrase(
            "A reward has expired",
            "Your reward of {{ amount }} was never released, and has expired.",
            "The {{ amount }} reserved for you was never released, and has expired.",
        ),
        "reward.revised.v1": Phrase(
            "Your reward is now {{ amount }}",
            "Your reward was calculated anew: it is now {{ amount }}.",
            "What is reserved for you was calculated anew: it is now {{ amount }}.",
        ),
        "reward.clawed_back.v1": Phrase(
            "A reward was taken back",
            "A reward was taken back. It is now worth {{ amount }}.",
            "What you had received was taken back. It is now worth {{ amount }}.",
        ),
    },
    greeting="Hello{% if name %} {{ name }}{% endif %},",
    why="Why",
    details="In detail",
    next="What comes next",
    by="expected by",
    look="See every step",
    footer="You get this mail because you take part in a referral program.",
    unsubscribe="No more mails like this",
    login_subject="Your link to sign in",
    login="With this link you sign in, once. If you did not ask for it, nothing needs to be done.",
    login_until="Valid until",
    digest_subject="{{ count }} {% if count == 1 %}piece{% else %}pieces{% endif %} of news about"
    " your rewards",
    digest="This has happened to your rewards:",
)

_DE = Words(
    phrases={
        "reward.pending.v1": Phrase(
            "Eine Prämie von {{ amount }} ist unterwegs",
            "Ihre Empfehlung hat gewirkt: Sie haben {{ amount }} verdient.",
            "Danke, dass Sie einer Empfehlung gefolgt sind: {{ amount }} sind für Sie reserviert.",
        ),
        "reward.held.v1": Phrase(
            "Ihre Prämie von {{ amount }} wird noch geprüft",
            "Ihre Prämie von {{ amount }} ruht, bis jemand sie geprüft hat.",
            "Die für Sie reservierten {{ amount }} ruhen, bis jemand sie geprüft hat.",
        ),
        "reward.approved.v1": Phrase(
            "Ihre Prämie von {{ amount }} ist bewilligt",
            "Ihre Prämie von {{ amount }} ist bewilligt. Danke für Ihre Empfehlung.",
            "Die {{ amount }} dafür, dass Sie einer Empfehlung gefolgt sind, sind bewilligt.",
        ),
        "reward.fulfilling.v1": Phrase(
            "Wir zahlen Ihre Prämie von {{ amount }} aus",
            "Ihre Prämie von {{ amount }} wird gerade ausgezahlt.",
            "Die für Sie reservierten {{ amount }} werden gerade ausgezahlt.",
        ),
        "reward.fulfilled.v1": Phrase(
            "Ihre Prämie von {{ amount }} ist ausgezahlt",
            "Ihre Prämie von {{ amount }} ist ausgezahlt.",
            "Die für Sie reservierten {{ amount }} sind ausgezahlt.",
        ),
        "reward.declined.v1": Phrase(
            "Diesmal keine Prämie",
            "Für diese Empfehlung gibt es keine Prämie.",
            "Für diese Bestellung gibt es keine Prämie.",
        ),
        "reward.expired.v1": Phrase(
            "Eine Prämie ist verfallen",
            "Ihre Prämie von {{ amount }} wurde nie freigegeben und ist verfallen.",
            "Die für Sie reservierten {{ amount }} wurden nie freigegeben und sind verfallen.",
        ),
        "reward.revised.v1": Phrase(
            "Ihre Prämie beträgt jetzt {{ amount }}",
            "Ihre Prämie wurde neu berechnet: Sie beträgt jetzt {{ amount }}.",
            "Was für Sie reserviert ist, wurde neu berechnet: Es sind jetzt {{ amount }}.",
        ),
        "reward.clawed_back.v1": Phrase(
            "Eine Prämie wurde zurückgenommen",
            "Eine Prämie wurde zurückgenommen. Sie beträgt jetzt {{ amount }}.",
            "Was Sie erhalten hatten, wurde zurückgenommen. Es sind jetzt {{ amount }}.",
        ),
    },
    greeting="Guten Tag{% if name %} {{ name }}{% endif %},",
    why="Warum",
    details="Im Einzelnen",
    next="Wie es weitergeht",
    by="voraussichtlich bis",
    look="Jeden Schritt ansehen",
    footer="Sie erhalten diese Mail, weil Sie an einem Empfehlungsprogramm teilnehmen.",
    unsubscribe="Keine solchen Mails mehr",
    login_subject="Ihr Link zum Anmelden",
    login="Mit diesem Link melden Sie sich einmal an. Haben Sie ihn nicht angefordert, brauchen Sie"
    " nichts zu tun.",
    login_until="Gültig bis",
    digest_subject="{{ count }} {% if count == 1 %}Neuigkeit{% else %}Neuigkeiten{% endif %} zu"
    " Ihren Prämien",
    digest="Das ist mit Ihren Prämien geschehen:",
)

WORDS: Mapping[str, Words] = {"en": _EN, "de": _DE}
DEFAULT_LANGUAGE = "en"


def language_of(*wishes: str | None) -> str:
    """The first of the wished languages that there are words in, else the default."""
    return next((wish for wish in wishes if wish and wish in WORDS), DEFAULT_LANGUAGE)
