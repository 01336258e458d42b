"""Templates to answers: language, money, times, and the headers that every page has."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from litestar import Request, Response
from markupsafe import Markup
from sentences.voice import Speaker
from shared_schemas.money import digits_of

from ..assets import address_of
from ..domain.logins import Session
from ..domain.sentences import CATALOGUE
from ..domain.wording import preferred, words

NONE: Final = "\u2013"
PACKAGE: Final = Path(__file__).parents[1]
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def render(
    request: Request[Any, Any, Any],
    template: str,
    *,
    session: Session | None = None,
    market_zone: str | None = None,
    status: int = 200,
    **values: Any,
) -> Response[str]:
    """A page in the reader's language; times in the reader's zone, else the market's, else UTC."""
    language = session.language if session else None
    if language is None:
        language = preferred(request.headers.get("accept-language", ""))
    zone = _zone(session.zone if session and session.zone else market_zone)
    voice = Speaker(language, zone, words(language))
    text = _TEMPLATES.get_template(template).render(
        t=voice.words, voice=voice, language=language, session=session, **values
    )
    return Response(text, status_code=status, media_type="text/html", headers=SECURITY_HEADERS)


@cache
def _zone(name: str | None) -> ZoneInfo:
    """The zone of an IANA name; UTC for one that there is not."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


@pass_context
def _money(context: Context, amount_minor: int, currency: str | None) -> str:
    """An amount as people of the page's language write it."""
    if currency is None:
        return NONE
    return _voice(context).money(amount_minor, currency, digits_of(currency))


@pass_context
def _when(context: Context, moment: datetime | str | None, clock: str = "%H:%M") -> str:
    """A `<time>` in the page's zone, to the minute unless `clock` asks for more."""
    if moment is None:
        return NONE
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    text = _voice(context).moment(moment, clock)
    utc = moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return Markup('<time datetime="{}">{}</time>').format(utc, text)


@pass_context
def _exactly(context: Context, moment: datetime | str | None) -> str:
    """A `<time>`, for operators to the second."""
    session = context["session"]
    return _when(context, moment, "%H:%M:%S" if session and session.is_operator else "%H:%M")


@pass_context
def _named(context: Context, value: object) -> str:
    """A value of a closed vocabulary as people say it."""
    return _voice(context).named(value)


@pass_context
def _told(context: Context, sentence: str) -> str:
    """A sentence that was stored with its decision, in the page's language.

    Somebody's own words, which are in no catalogue, are quoted as they are.
    """
    voice = _voice(context)
    told = CATALOGUE.tell(sentence, voice) if sentence else ""
    return (
        Markup('<span lang="en">{}</span>').format(voice.quote(sentence)) if told is None else told
    )


def _voice(context: Context) -> Speaker:
    voice: Speaker = context["voice"]
    return voice


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(PACKAGE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "money": _money,
        "when": _when,
        "exactly": _exactly,
        "named": _named,
        "told": _told,
    }
    made.globals["asset"] = address_of
    return made


_TEMPLATES: Final = _environment()
