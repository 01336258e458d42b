"""Templates to answers: language, money, times, and the headers that every page has."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date
from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from litestar import Request, Response
from markupsafe import Markup
from shared_schemas.money import digits_of

from ..assets import address_of
from ..domain.logins import Session
from ..domain.wording import named, preferred, words

NONE: Final = "\u2013"
_CODE_BEFORE_NUMBER: Final = re.compile(r"(?<=[A-Z]{3})(?=\d)")
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
    text = _TEMPLATES.get_template(template).render(
        t=words(language), language=language, zone=zone, session=session, **values
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
    amount = Decimal(amount_minor).scaleb(-digits_of(currency))
    text = str(format_currency(amount, currency, locale=context["language"]))
    return _CODE_BEFORE_NUMBER.sub("\u00a0", text)


@pass_context
def _when(context: Context, moment: datetime | str | None, clock: str = "%H:%M") -> str:
    """A `<time>` in the page's zone, to the minute unless `clock` asks for more."""
    if moment is None:
        return NONE
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    local = moment.astimezone(context["zone"])
    text = f"{format_date(local, 'medium', locale=context['language'])}, {local:{clock}}"
    utc = moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return Markup('<time datetime="{}">{}</time>').format(utc, text)


@pass_context
def _exactly(context: Context, moment: datetime | str | None) -> str:
    """A `<time>` to the second."""
    return _when(context, moment, "%H:%M:%S")


@pass_context
def _named(context: Context, value: object) -> str:
    """A value of a closed vocabulary as people say it."""
    return named(value, context["t"])


@pass_context
def _stored(context: Context, sentence: str) -> str:
    """A sentence that was stored with its decision: English, and marked so on other pages."""
    told = sentence[:1].upper() + sentence[1:]
    if context["language"] == "en":
        return told
    return Markup('<span lang="en">{}</span>').format(told)


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
        "stored": _stored,
    }
    made.globals["asset"] = address_of
    return made


_TEMPLATES: Final = _environment()
