"""Where a webhook may go: never into our own network."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

MAX_URL_CHARACTERS = 2_000
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address is its last 32 bits
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))  # 6to4, Teredo: lead anywhere


class TargetRefused(ValueError):
    """A webhook may not be sent there; the message says why and names no address."""


def check_url(url: str, *, allow_loopback: bool) -> SplitResult:
    """The parts of a target's URL. Raises TargetRefused; addresses are checked at connecting."""
    if len(url) > MAX_URL_CHARACTERS or not url.isascii() or any(c <= " " for c in url):
        raise TargetRefused("the URL is too long or holds characters that must be encoded")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetRefused("this is not a URL") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise TargetRefused("the URL is https://host/path")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise TargetRefused("the URL has neither a user nor a fragment")
    if parts.scheme == "http" and not allow_loopback:
        raise TargetRefused("the URL begins with https://")
    try:
        literal = ip_address(parts.hostname)
    except ValueError:
        return parts
    check_address(str(literal), allow_loopback=allow_loopback)
    return parts


def check_address(address: str, *, allow_loopback: bool) -> str:
    """The address again if a webhook may go there. Raises TargetRefused."""
    ip = _unwrapped(ip_address(address.partition("%")[0]))
    if ip.is_loopback and allow_loopback:
        return address
    tunnelled = isinstance(ip, IPv6Address) and any(ip in network for network in _TUNNELS)
    if not ip.is_global or ip.is_multicast or ip.is_reserved or tunnelled:
        raise TargetRefused("the address is not a public one")
    return address


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip
