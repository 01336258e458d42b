"""The pages that people meet when a link leads nowhere, in their language; no foreign assets."""

from base64 import b64encode
from collections.abc import Container
from enum import StrEnum
from hashlib import sha256
from string import Template

_STYLE = (
    "body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;"
    "box-sizing:border-box;font:1.125rem/1.6 system-ui,sans-serif;color:#1d2733;background:#f6f4ef}"
    "main{max-width:32rem}h1{font-size:1.75rem;line-height:1.25;margin:0 0 .75rem}p{margin:0}"
    "@media(prefers-color-scheme:dark){body{color:#e8e6e1;background:#16191d}}"
)
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {
    b"content-type": b"text/html; charset=utf-8",
    b"content-security-policy": _POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-robots-tag": b"noindex",
}
_PAGE = Template(
    '<!doctype html><html lang="$language"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    f"<title>$title</title><style>{_STYLE}</style></head>"
    "<body><main><h1>$title</h1><p>$text</p></main></body></html>"
)


class Reason(StrEnum):
    """Why a link leads nowhere."""

    UNKNOWN = "unknown"
    MISTYPED = "mistyped"
    ENDED = "ended"
    REFUSED = "refused"
    STARTING = "starting"


STATUS = {
    Reason.UNKNOWN: 404,
    Reason.MISTYPED: 404,
    Reason.ENDED: 410,
    Reason.REFUSED: 410,
    Reason.STARTING: 503,
}
_TEXTS = {
    "en": {
        Reason.UNKNOWN: (
            "This link leads nowhere",
            "We do not know it. Perhaps a character got lost on the way: please compare it with"
            " the one you were given, or ask for it again.",
        ),
        Reason.MISTYPED: (
            "There seems to be a typing error in this code",
            "Our codes look like K7MX-3FQ9: eight letters and digits, never 0, O, 1, I or L. At"
            " least one character is not the one you were given: please compare them one by one.",
        ),
        Reason.REFUSED: (
            "This link leads nowhere any more",
            "The address behind it is no longer allowed here. Whoever gave it to you can tell you"
            " whether there is a new one.",
        ),
        Reason.ENDED: (
            "This link has ended",
            "The recommendation it belonged to is over. Whoever gave it to you can tell you"
            " whether there is a new one.",
        ),
        Reason.STARTING: (
            "One moment, please",
            "We are just starting and cannot look this link up yet. Please try again in a few"
            " seconds.",
        ),
    },
    "de": {
        Reason.UNKNOWN: (
            "Dieser Link führt nirgendwohin",
            "Wir kennen ihn nicht. Vielleicht ist unterwegs ein Zeichen verloren gegangen: bitte"
            " vergleichen Sie ihn mit dem, den Sie bekommen haben, oder fragen Sie noch einmal.",
        ),
        Reason.MISTYPED: (
            "In diesem Code steckt wohl ein Tippfehler",
            "Unsere Codes sehen aus wie K7MX-3FQ9: acht Buchstaben und Ziffern, nie 0, O, 1, I oder"
            " L. Mindestens ein Zeichen ist nicht das, das Sie bekommen haben: bitte vergleichen"
            " Sie eines nach dem anderen.",
        ),
        Reason.REFUSED: (
            "Dieser Link führt nirgendwohin mehr",
            "Die Adresse dahinter ist hier nicht mehr erlaubt. Wer Ihnen den Link gegeben hat, kann"
            " Ihnen sagen, ob es einen neuen gibt.",
        ),
        Reason.ENDED: (
            "Dieser Link ist abgelaufen",
            "Die Empfehlung dazu ist beendet. Wer Ihnen den Link gegeben hat, kann Ihnen sagen, ob"
            " es einen neuen gibt.",
        ),
        Reason.STARTING: (
            "Einen Moment bitte",
            "Wir starten gerade und können diesen Link noch nicht nachschlagen. Bitte versuchen"
            " Sie es in einigen Sekunden noch einmal.",
        ),
    },
}


def rendered(language: str, title: str, text: str) -> bytes:
    """A page of ours; title and text are our own words, not escaped."""
    return _PAGE.substitute(language=language, title=title, text=text).encode()


_PAGES = {
    (reason, language): rendered(language, title, text)
    for language, texts in _TEXTS.items()
    for reason, (title, text) in texts.items()
}


def page(reason: Reason, accept_language: str, market_language: str | None) -> bytes:
    """The page in the first language that the browser accepts and we speak, else the market's."""
    return _PAGES[reason, chosen_language(_TEXTS, accept_language, market_language)]


def chosen_language(
    spoken: Container[str], accept_language: str, market_language: str | None
) -> str:
    """The first accepted language that is spoken, else the market's, else English."""
    accepted = (part.strip()[:2].lower() for part in accept_language.split(","))
    for language in (*accepted, market_language):
        if language is not None and language in spoken:
            return language
    return "en"
