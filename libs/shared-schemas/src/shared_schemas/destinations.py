"""Where a link may lead: the one parser of destinations, for creation and for redirects.

It refuses instead of repairing. Whatever browsers and libraries read differently (backslashes,
user names, numbers as hosts, percent signs in hosts, controls) is no destination, so that nobody
can be led to another host than the one that was checked.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import Self
from urllib.parse import parse_qsl, quote

MAX_CHARACTERS = 2_000
SCHEMES = ("https", "http")
_KEPT = "%/:=&?~#+!$,;'@()*[]"
_FORM = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]+)(?P<rest>[/?#].*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(?P<host>[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_UNSAFE = re.compile(
    r"[\x00-\x20\x7f-\xa0\\\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_HOST, _MAX_PORT = 253, 65_535


class NotADestination(ValueError):
    """An address that no link may lead to; the message says why."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A checked address: `text` may stand in a header, `host` is in lower case without its port."""

    scheme: str
    host: str
    text: str


def parsed(text: str) -> Destination:
    """The address, checked. Raises NotADestination."""
    if len(text) > MAX_CHARACTERS:
        raise NotADestination(f"an address has at most {MAX_CHARACTERS} characters")
    if _UNSAFE.search(text) or _SURROGATE.search(text):
        raise NotADestination("an address has no spaces, controls, invisible characters or \\")
    form = _FORM.fullmatch(text)
    if form is None:
        raise NotADestination("an address begins with https:// or http:// and a host")
    return Destination(form["scheme"], _host(form["authority"]), percent_encoded(text))


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which destinations an installation allows; no host listed allows every host.

    `*.example.com` stands for every host below example.com, not for example.com itself.
    """

    schemes: frozenset[str] = frozenset(SCHEMES)
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, schemes: str, hosts: str) -> Self:
        """From lists separated by commas. Raises ValueError for what is no scheme or host."""
        named = frozenset(_listed(schemes))
        if not named or not named <= set(SCHEMES):
            raise ValueError(f"the schemes are one or both of {', '.join(SCHEMES)}")
        return cls(named, frozenset(_pattern(host) for host in _listed(hosts)))

    def check(self, text: str) -> Destination:
        """The address, if a link may lead there. Raises NotADestination."""
        found = parsed(text)
        if found.scheme not in self.schemes:
            raise NotADestination(f"{found.scheme} addresses are not allowed here")
        if self.hosts and not self._names(found.host):
            raise NotADestination(f"the host {found.host} is not among the allowed ones")
        return found

    def allows(self, text: str) -> bool:
        """Whether a link may lead there."""
        try:
            self.check(text)
        except NotADestination:
            return False
        return True

    def _names(self, host: str) -> bool:
        labels = host.split(".")
        above = (".".join(labels[n:]) for n in range(1, len(labels)))
        return host in self.hosts or any(f"*.{name}" in self.hosts for name in above)


ANYWHERE = Allowed()


def percent_encoded(text: str) -> str:
    """An address as it may stand in a header: spaces, controls, non-ASCII percent-encoded."""
    return quote(text, safe=_KEPT, errors="surrogatepass")


def with_query(address: str, query: str) -> str:
    """The address with more query parameters (`a=1&b=2`), before any fragment."""
    if not query:
        return address
    bare, hash_sign, fragment = address.partition("#")
    joint = "&" if "?" in bare else "?"
    if bare[-1:] in ("?", "&"):
        joint = ""
    return f"{bare}{joint}{query}{hash_sign}{fragment}"


def with_parameters(address: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The address, percent-encoded, with parameters of any text."""
    query = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters
    )
    return with_query(percent_encoded(address), query)


def parameter_names(address: str) -> frozenset[str]:
    """The names of the query parameters that an address has already."""
    query = address.partition("#")[0].partition("?")[2]
    return frozenset(name for name, _ in parse_qsl(query, keep_blank_values=True))


def _host(authority: str) -> str:
    if "@" in authority:
        raise NotADestination("an address holds no user name")
    if not authority.isascii():
        raise NotADestination("write the host in its ASCII form (xn--…)")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or int(parts["port"] or 1) not in range(1, _MAX_PORT + 1):
        raise NotADestination("the host or its port is not written as a name or IPv4 address")
    return _name(parts["host"].lower())


def _name(host: str) -> str:
    labels = host.split(".")
    if len(host) > _MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise NotADestination("the host is not a domain name")
    if _NUMBER.fullmatch(labels[-1]):  # browsers read any such host as an IPv4 address
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise NotADestination("a host of numbers is an IPv4 address of four parts") from None
    return host


def _listed(text: str) -> list[str]:
    return [part.strip().lower() for part in text.split(",") if part.strip()]


def _pattern(host: str) -> str:
    try:
        _name(host.removeprefix("*."))
    except NotADestination as refused:
        raise ValueError(f"{host!r}: {refused}") from None
    return host
