"""Free loopback ports that stay free while their server restarts."""

import secrets
import socket

LOOPBACK = "127.0.0.1"

# Below the kernel's ephemeral range (32768 and up). From inside it, a client that retries while
# its server is down may be given the server's own port as its source, connect to itself, and
# keep the server from binding again.
FIRST_PORT = 20_000
LAST_PORT = 31_999
ATTEMPTS = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port(*, besides: frozenset[int] = frozenset()) -> int:
    """A free port outside the ephemeral range. Raises `OSError` when none is found."""
    for _ in range(ATTEMPTS):
        port = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT + 1)
        if port not in besides and is_free(port):
            return port
    raise OSError(f"no free port between {FIRST_PORT} and {LAST_PORT}")
