"""The way out of mails, without signing in: a signed link, and one press of a button.

A GET changes nothing, because mail scanners follow links; a mail program posts (RFC 8058).
"""

from html import escape
from typing import Annotated

from litestar import Response, get, post
from litestar.params import PathParameter
from litestar.types import ControllerRouterHandler
from service_kit.runtime import Runtime

from ..domain.delivery import Preference
from ..domain.tokens import MAX_TOKEN_CHARACTERS, unsubscribing
from ..settings import Settings
from .gate import PLAIN, NotFound
from .preferences import prefer

Token = Annotated[str, PathParameter(max_length=MAX_TOKEN_CHARACTERS, pattern=PLAIN)]
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body{{margin:0 auto;max-width:36rem;padding:2rem;font-family:sans-serif;line-height:1.5}}
button{{font:inherit;padding:.6rem 1rem}}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
_ASK = """<p>You will get no more mails about your rewards. <span lang="de">Sie erhalten dann keine
Mails mehr zu Ihren Prämien.</span></p>
<form method="post"><button type="submit">Stop these mails ·
<span lang="de">Mails beenden</span></button></form>"""
_DONE = """<p>You will get no more mails about your rewards. <span lang="de">Sie erhalten keine
Mails mehr zu Ihren Prämien.</span></p>"""


def routes(runtime: Runtime[Settings]) -> list[ControllerRouterHandler]:
    """A page that asks, and the answer; the token is the permission."""
    secret = runtime.settings.master_key.get_secret_value()

    def subject_of(token: str) -> str:
        subject = unsubscribing(secret, token)
        if subject is None:
            raise NotFound("This link is not one of ours, or was cut short.")
        return subject

    @get("/unsubscribe/{token:str}", media_type="text/html", summary="Ask about ending mails")
    async def ask(token: Token) -> Response[str]:
        subject_of(token)
        return _page("No more mails?", _ASK)

    @post(
        "/unsubscribe/{token:str}",
        status_code=200,
        media_type="text/html",
        summary="End mails to the reader that the link was made for",
    )
    async def end(token: Token) -> Response[str]:
        await prefer(runtime, subject_of(token), Preference.NONE)
        return _page("No more mails", _DONE)

    return [ask, end]


def _page(title: str, body: str) -> Response[str]:
    return Response(_PAGE.format(title=escape(title), body=body), headers=_HEADERS)
