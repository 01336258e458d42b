"""Web assets of others: pinned by hash, fetched at set-up, served from our own origin.

`python -m hub.assets` fetches what is missing. Nothing is fetched while the hub runs, and every
page works without.
"""

import hashlib
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from jgo.maven import MavenContext, PythonResolver

STATIC: Final = Path(__file__).parent / "static"
VENDORED: Final = STATIC / "vendor"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of a web jar: its Maven coordinate, its path in the jar, its SHA-256."""

    name: str
    artifact: str
    version: str
    path: str
    sha256: str


HTMX: Final = Asset(
    name="htmx.min.js",
    artifact="htmx.org",
    version="2.0.10",
    path="META-INF/resources/webjars/htmx.org/2.0.10/dist/htmx.min.js",
    sha256="71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de",
)
ASSETS: Final = {HTMX.name: HTMX}
MEDIA_TYPES: Final = {
    "hub.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    HTMX.name: "text/javascript; charset=utf-8",
}


class WrongBytes(Exception):
    """What was fetched is not what is pinned."""


@cache
def content_of(name: str) -> bytes | None:
    """A file that browsers may ask for; None if it is none of them, was not fetched, or is not
    what is pinned."""
    if name not in MEDIA_TYPES:
        return None
    if name not in ASSETS:
        return (STATIC / name).read_bytes()
    path = VENDORED / name
    content = path.read_bytes() if path.exists() else b""
    return content if _sha256(content) == ASSETS[name].sha256 else None


@cache
def version_of(name: str) -> str:
    """Names a file's present content; empty if there is none."""
    content = content_of(name)
    return _sha256(content)[:16] if content is not None else ""


def address_of(name: str) -> str | None:
    """Where browsers find a file in its present version; None if there is none."""
    version = version_of(name)
    return f"/static/{name}?v={version}" if version else None


def fetch(asset: Asset) -> bytes:
    """The pinned bytes out of the web jar. Raises WrongBytes."""
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(PythonResolver(), repo_cache=Path(folder))
        project = context.project("org.webjars.npm", asset.artifact)
        jar = project.at_version(asset.version).artifact().resolve()
        with zipfile.ZipFile(jar) as content:
            found = content.read(asset.path)
    if _sha256(found) != asset.sha256:
        raise WrongBytes(f"{asset.artifact} {asset.version} has other bytes than pinned")
    return found


def main() -> int:
    """Fetch what is missing; a set-up without network goes on without it."""
    VENDORED.mkdir(parents=True, exist_ok=True)
    for asset in ASSETS.values():
        if content_of(asset.name) is None:
            try:
                (VENDORED / asset.name).write_bytes(fetch(asset))
            except (OSError, RuntimeError) as error:
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                sys.stderr.write(f"{asset.name} not fetched; pages work without it: {reason}\n")
    return 0


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
