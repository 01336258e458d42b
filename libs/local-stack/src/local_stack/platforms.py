"""Where the local stack runs: Linux on x86_64 and arm64; macOS untested."""

import platform
import warnings

from .errors import UnsupportedPlatform

MACHINES = frozenset({"x86_64", "amd64", "aarch64", "arm64"})


def check_platform(system: str | None = None, machine: str | None = None) -> None:
    """Raises `UnsupportedPlatform`; on macOS, where nobody tried it, it only warns."""
    system = system or platform.system()
    machine = machine or platform.machine()
    if system not in ("Linux", "Darwin") or machine.lower() not in MACHINES:
        raise UnsupportedPlatform(system=system, machine=machine)
    if system == "Darwin":
        warnings.warn("The local stack is untested on macOS.", stacklevel=2)
