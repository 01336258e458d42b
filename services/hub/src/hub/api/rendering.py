"""Templates to answers: language, money, times, and the headers that every page has."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from babel.dates import format_datetime
from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from litestar import Request, Response
from markupsafe import Markup
from shared_schemas.money import digits_of

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
    request: Request[Any, Any, Any], template: str, *, status: int = 200, **values: Any
) -> Response[str]:
    """A page in the reader's language."""
    language = preferred(request.headers.get("accept-language", ""))
    text = _TEMPLATES.get_template(template).render(
        t=words(language), language=language, session=values.pop("session", None), **values
    )
    return Response(text, status_code=status, media_type="text/html", headers=SECURITY_HEADERS)


def _money(amount_minor: int, currency: str | None, language: str) -> str:
    """An amount as people of that language write it."""
    if currency is None:
        return NONE
    amount = Decimal(amount_minor).scaleb(-digits_of(currency))
    return str(format_currency(amount, currency, locale=language))


def _when(moment: datetime | str | None, language: str) -> str:
    """A `<time>`; its text is in UTC and says so."""
    if moment is None:
        return NONE
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    moment = moment.astimezone(UTC)
    text = format_datetime(moment, "medium", tzinfo=UTC, locale=language)
    return Markup('<time datetime="{}">{} UTC</time>').format(moment.isoformat(), text)


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(PACKAGE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["money"] = _money
    made.filters["when"] = _when
    return made


_TEMPLATES: Final = _environment()
