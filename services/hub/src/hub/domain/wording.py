"""The pages' own words in English and German. Reasons come with the decisions, as stored."""

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("en", "de")

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("Referrals", "Empfehlungen"),
    "skip": ("Skip to the content", "Zum Inhalt springen"),
    "latest": ("Latest referrals", "Neueste Empfehlungen"),
    "conversions": ("Conversions", "Abschlüsse"),
    "referrals": ("Referrals", "Empfehlungen"),
    "rewards": ("Rewards", "Prämien"),
    "parked": ("Parked events", "Zurückgestellte Ereignisse"),
    "logout": ("Log out", "Abmelden"),
    "login": ("Log in", "Anmelden"),
    "login_help": (
        "Enter your participant number. If we know it, a link is on its way to your mailbox.",
        "Geben Sie Ihre Teilnehmernummer ein. Kennen wir sie, ist ein Link zu Ihnen unterwegs.",
    ),
    "login_sent": (
        "If we know you, a link is on its way. It works once, for 15 minutes.",
        "Kennen wir Sie, ist ein Link unterwegs. Er gilt einmal und 15 Minuten lang.",
    ),
    "login_confirm": ("Continue to your pages", "Weiter zu Ihren Seiten"),
    "login_over": (
        "This link has been used, is too old, or is not one of ours.",
        "Dieser Link ist verbraucht, zu alt oder nicht von uns.",
    ),
    "participant": ("Participant", "Teilnehmer"),
    "when": ("When", "Wann"),
    "what": ("What", "Was"),
    "amount": ("Amount", "Betrag"),
    "state": ("State", "Stand"),
    "who": ("Credited", "Gutgeschrieben"),
    "customer": ("Customer", "Kunde"),
    "program": ("Program", "Programm"),
    "reason": ("Reason", "Grund"),
    "next": ("Next", "Als Nächstes"),
    "by": ("by", "bis"),
    "evidence": ("Evidence", "Belege"),
    "counted": ("counted", "gezählt"),
    "not_counted": ("not counted", "nicht gezählt"),
    "older": ("Older", "Ältere"),
    "any": ("any", "alle"),
    "show": ("Show", "Zeigen"),
    "nothing": ("Nothing here yet.", "Hier ist noch nichts."),
    "clicks": ("Clicks", "Klicks"),
    "share_views": ("Shared views", "Weitergeleitete Aufrufe"),
    "codes_entered": ("Codes entered", "Eingegebene Codes"),
    "leads": ("Leads", "Kontakte"),
    "pending": ("Pending", "Vorgemerkt"),
    "approved": ("Approved", "Bewilligt"),
    "paid": ("Paid", "Gezahlt"),
    "reversed": ("Taken back", "Zurückgenommen"),
    "netted": ("Set off", "Verrechnet"),
    "journey": ("The journey", "Der Weg"),
    "history": ("Every decision, in order", "Alle Entscheidungen, der Reihe nach"),
    "trace": ("How it travelled", "Wie es durchs System lief"),
    "trace_none": (
        "This journey was not sampled; the decisions above are complete without it.",
        "Dieser Weg wurde nicht aufgezeichnet; die Entscheidungen oben sind vollständig.",
    ),
    "paid_line": ("It was rewarded.", "Es wurde belohnt."),
    "waiting_line": (
        "Nothing has gone wrong: it is waiting.",
        "Es ist alles in Ordnung: es wartet.",
    ),
    "stopped_line": (
        "Nothing more is paid, because of this step:",
        "Es wird nichts weiter gezahlt, wegen:",
    ),
    "stage_touches": ("How they came", "Wie sie kamen"),
    "stage_credit": ("Who earned the credit", "Wer es verdient hat"),
    "stage_fraud": ("Risk check", "Risikoprüfung"),
    "stage_reward": ("Reward", "Prämie"),
    "stage_payout": ("Payout", "Auszahlung"),
    "stage_message": ("Message", "Nachricht"),
    "revision": ("revision", "Fassung"),
    "error": ("That did not work", "Das hat nicht geklappt"),
    "back": ("Back to the start", "Zurück zum Anfang"),
}


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
