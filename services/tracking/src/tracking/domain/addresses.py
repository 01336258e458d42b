"""Client addresses: whose they are behind proxies, and how little of them is kept."""

from ipaddress import IPv6Address, ip_address, ip_network

_KEPT_BITS = {4: 24, 6: 48}


def client_address(peer: str | None, forwarded_for: str | None, trusted_proxies: int) -> str | None:
    """The client's address, given how many of our own proxies stand before us.

    Each trusted proxy appends to X-Forwarded-For whom it saw; what lies further left is the
    client's own claim and is ignored. None when the header is shorter than the proxies are many.
    """
    if trusted_proxies == 0:
        return peer
    hops = [hop.strip() for hop in (forwarded_for or "").split(",") if hop.strip()]
    return hops[-trusted_proxies] if len(hops) >= trusted_proxies else None


def network_of(address: str | None) -> str | None:
    """The /24 (IPv4) or /48 (IPv6) that an address lies in; None for what is no address."""
    if address is None:
        return None
    try:
        ip = ip_address(_without_port(address))
    except ValueError:
        return None
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ip_network((int(ip), _KEPT_BITS[ip.version]), strict=False))


def _without_port(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    host, colon, _port = address.partition(":")
    return host if colon and "." in host else address
