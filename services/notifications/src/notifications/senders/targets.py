"""Connecting to a webhook's target: resolved once, checked, and pinned to what was checked."""

import asyncio
import socket
from urllib.parse import urlsplit

import httpx

from ..domain.targets import TargetRefused, check_address, check_url


class Unreachable(Exception):
    """The target's name has no address now."""


async def pinned(url: str, *, allow_loopback: bool) -> tuple[httpx.URL, dict[str, str]]:
    """The URL with an address in its host's place, and the headers that still name the host.

    All of the name's addresses must be allowed. Raises TargetRefused, Unreachable.
    """
    parts = check_url(url, allow_loopback=allow_loopback)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except (OSError, UnicodeError):
        raise Unreachable("the host has no address") from None
    addresses = [check_address(str(info[4][0]), allow_loopback=allow_loopback) for info in found]
    if not addresses:
        raise Unreachable("the host has no address")
    if parts.scheme == "http" and not _is_loopback(addresses):
        raise TargetRefused("only this machine is reached without TLS")
    return httpx.URL(url).copy_with(host=addresses[0]), {"Host": urlsplit(url).netloc}


def _is_loopback(addresses: list[str]) -> bool:
    return all(address == "::1" or address.startswith("127.") for address in addresses)
