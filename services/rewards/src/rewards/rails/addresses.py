"""Which addresses a rail may call: looked up once, checked, and the one checked is called."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

IpAddress = IPv4Address | IPv6Address
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):
    """The target's name leads to an address that a rail may not call."""


async def resolve(host: str, port: int, *, allow_loopback: bool) -> str:
    """An address of `host` that may be called.

    Raises AddressRefused if any of its addresses may not be, so that a name cannot alternate;
    OSError if it has none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(place[4][0]) for place in found]
    for text in addresses:
        if not is_allowed(ip_address(text.partition("%")[0]), allow_loopback=allow_loopback):
            raise AddressRefused(f"{host} leads to an address that is not public")
    return addresses[0]


def is_allowed(address: IpAddress, *, allow_loopback: bool) -> bool:
    """Public unicast only: no private, shared, link-local, reserved or multicast range, however
    it is wrapped in IPv6."""
    inner = _inside(address)
    if inner.is_loopback:
        return allow_loopback
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def _inside(address: IpAddress) -> IpAddress:
    """The IPv4 address in a mapped, 6to4 or NAT64 one; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
