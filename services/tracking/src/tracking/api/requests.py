"""What a request brings: its body within bounds, its key, where it comes from."""

import binascii
from base64 import b64decode
from urllib.parse import parse_qsl

from litestar import Request

from ..domain.addresses import client_address, network_of
from ..domain.bodies import MAX_BATCH_BYTES, inflated
from ..domain.outcome import Refused, TooLarge

HttpRequest = Request[None, None, None]  # type: ignore[type-var]
COOKIE = "gw_v"
_MAX_KEY_CHARACTERS = 200
_MAX_AGENT_CHARACTERS = 1_000
_MAX_QUERY_CHARACTERS = 500
_PURPOSES = frozenset((b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"))


async def read_body(request: HttpRequest) -> bytes:
    """The inflated body. Raises Refused and TooLarge, whatever was sent."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise Refused("malformed", "the body was cut short")
        chunks.append(message["body"])
        size += len(message["body"])
        if size > MAX_BATCH_BYTES:
            raise TooLarge("too_large", f"the body has more than {MAX_BATCH_BYTES} bytes")
        more = message["more_body"]
    return inflated(b"".join(chunks), MAX_BATCH_BYTES)


def header(request: HttpRequest, name: bytes) -> str:
    """The first header of a name (in lower case), empty without one."""
    for found, value in request.scope["headers"]:
        if found == name:
            return value.decode("latin-1")
    return ""


def purpose_of(request: HttpRequest) -> str:
    """What the browser says it asks for, when it is not for somebody who looks at it."""
    return " ".join(
        value.decode("latin-1") for name, value in request.scope["headers"] if name in _PURPOSES
    )


def queried(request: HttpRequest) -> dict[str, str]:
    """The parameters of the address, as far as its first characters reach."""
    query = request.scope["query_string"][:_MAX_QUERY_CHARACTERS].decode("latin-1")
    return dict(parse_qsl(query))


def raw_key(authorization: str, in_body: object) -> str | None:
    """The key a client shows: Basic user name, Bearer token, else `writeKey` of the body."""
    scheme, _, credentials = authorization.strip().partition(" ")
    shown: object = in_body
    if scheme.lower() == "bearer":
        shown = credentials.strip()
    elif scheme.lower() == "basic":
        shown = _basic_user(credentials.strip())
    if not isinstance(shown, str) or not 0 < len(shown) <= _MAX_KEY_CHARACTERS:
        return None
    return shown if shown.isascii() else None


def _basic_user(credentials: str) -> str | None:
    """The user name; some clients send the key itself instead of `base64(key:)`."""
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return credentials


def visitor_cookie(request: HttpRequest) -> str | None:
    """Our cookie among those sent; a header that is no cookie header holds none."""
    sent = header(request, b"cookie")
    if f"{COOKIE}=" not in sent:
        return None
    for pair in sent.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value.strip('"')
    return None


def network_from(request: HttpRequest, trusted_proxies: int) -> str | None:
    """The network that the client's address lies in."""
    client = request.scope.get("client")
    forwarded = header(request, b"x-forwarded-for") if trusted_proxies else None
    return network_of(client_address(client[0] if client else None, forwarded, trusted_proxies))


def agent_from(request: HttpRequest) -> str | None:
    """The browser's name for itself."""
    return header(request, b"user-agent")[:_MAX_AGENT_CHARACTERS] or None


def is_secure(request: HttpRequest, trusted_proxies: int) -> bool:
    """Whether the client came by https, as far as we or our own proxies can tell."""
    if trusted_proxies:
        said = header(request, b"x-forwarded-proto").rpartition(",")[2]
        return said.strip().lower() == "https"
    return request.scope.get("scheme") == "https"
