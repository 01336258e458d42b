"""Apache Kafka's jars: pinned by hash, fetched by jgo into the user's Maven cache, checked."""

import errno
import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext, PythonResolver
from requests import RequestException

from .errors import BrokenCache, DiskFull, NoNetwork
from .lock_jars import LOCK_FILE
from .state import exclusively

DOWNLOADS_AT_ONCE = 4
ATTEMPTS = 3
SPARE_BYTES = 64 << 20  # what must stay free beside the jars themselves


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned file of a Maven repository."""

    group: str
    name: str
    version: str
    sha256: str
    size_bytes: int

    @property
    def path(self) -> Path:
        """Where it lies below a repository folder."""
        folder = Path(*self.group.split("."), self.name, self.version)
        return folder / f"{self.name}-{self.version}.jar"

    @property
    def coordinate(self) -> str:
        """Its Maven name, group:name:version."""
        return f"{self.group}:{self.name}:{self.version}"


@dataclass(frozen=True, slots=True)
class JarCache:
    """A local Maven repository, and where to fetch what it lacks (name -> address)."""

    folder: Path
    repositories: Mapping[str, str]
    jars: Sequence[Jar]

    def class_path(self) -> str:
        """All jars, joined for `java -cp`. Raises `BrokenCache` unless all are intact."""
        for jar in self.jars:
            check(self.folder / jar.path, jar)
        return ":".join(str(self.folder / jar.path) for jar in self.jars)

    def missing(self) -> list[Jar]:
        """The jars that are not there at all."""
        return [jar for jar in self.jars if not (self.folder / jar.path).exists()]

    def broken(self) -> list[Jar]:
        """The jars that are there and differ from the pinned ones."""
        present = [jar for jar in self.jars if (self.folder / jar.path).exists()]
        return [jar for jar in present if _sha256(self.folder / jar.path) != jar.sha256]

    def remove_broken(self) -> list[Jar]:
        """Delete what differs from the pins, so that the next fetch brings it again."""
        broken = self.broken()
        for jar in broken:
            (self.folder / jar.path).unlink()
        return broken


def user_cache() -> JarCache:
    """The user's Maven repository (`M2_REPO` or `~/.m2/repository`), and jgo's mirrors if set."""
    settings = GlobalSettings.load()
    repositories = {"central": MAVEN_CENTRAL_URL} | settings.repositories
    return JarCache(folder=settings.repo_cache, repositories=repositories, jars=pinned())


@cache
def pinned() -> tuple[Jar, ...]:
    """The jars of `kafka-jars.lock`, in class path order."""
    return tuple(_jar(line) for line in LOCK_FILE.read_text(encoding="utf-8").splitlines())


def check(path: Path, jar: Jar) -> None:
    """Compare size and SHA-256 (0.2 s for all jars). Raises `BrokenCache`."""
    size = path.stat().st_size if path.exists() else 0
    if size != jar.size_bytes:
        raise BrokenCache(jar=path, reason=f"{size} bytes instead of {jar.size_bytes}")
    if _sha256(path) != jar.sha256:
        raise BrokenCache(jar=path, reason="its SHA-256 is not the pinned one")


def fetch(cache_: JarCache, *, report: Callable[[float], None], stopping: threading.Event) -> None:
    """Download what is missing, once, whoever else is doing the same now.

    Jars land in a folder aside and move into place only once their hash is right. `report`
    hears the fraction of bytes, from several threads. Raises `NoNetwork`, `DiskFull`,
    `BrokenCache` (a mirror serves other bytes); `InterruptedError` after `stopping` is set.
    """
    if not cache_.missing():
        return
    with exclusively(cache_.folder / ".goodword.lock", stopping=stopping):
        missing = cache_.missing()
        total = sum(jar.size_bytes for jar in missing)
        _check_space(cache_.folder, total)
        counter = _Counter(total=total, report=report, stopping=stopping)
        aside = cache_.folder / ".goodword-incoming"
        shutil.rmtree(aside, ignore_errors=True)  # of a run that was killed
        try:
            _land_all(cache_, missing, aside, counter)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _land_all(cache_: JarCache, missing: list[Jar], aside: Path, counter: "_Counter") -> None:
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        tasks = [pool.submit(_land, cache_, jar, aside, counter) for jar in missing]
        try:
            for task in tasks:
                task.result()
        except BaseException:
            counter.stopping.set()
            pool.shutdown(cancel_futures=True)
            raise


def _land(cache_: JarCache, jar: Jar, aside: Path, counter: "_Counter") -> None:
    source, target = _download(cache_, jar, aside, counter), cache_.folder / jar.path
    if _sha256(source) != jar.sha256:
        raise BrokenCache(jar=target, reason="the repository serves other bytes than pinned")
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


def _download(cache_: JarCache, jar: Jar, aside: Path, counter: "_Counter") -> Path:
    resolver = PythonResolver(progress_callback=counter.track)
    context = MavenContext(resolver, repo_cache=aside, remote_repos=dict(cache_.repositories))
    artifact = context.project(jar.group, jar.name).at_version(jar.version).artifact()
    failure: Exception | None = None
    for _ in range(ATTEMPTS):
        (aside / jar.path).unlink(missing_ok=True)  # half of an attempt that broke off
        try:
            return artifact.resolve()
        except (RequestException, RuntimeError) as error:
            failure = error
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            _check_space(cache_.folder, jar.size_bytes + SPARE_BYTES)
            raise
    raise NoNetwork(jar=jar.coordinate, cause=_first_line(failure)) from failure


@dataclass
class _Counter:
    """Bytes that arrived, over all threads; whole percents are reported."""

    total: int
    report: Callable[[float], None]
    stopping: threading.Event
    arrived: int = 0

    def __post_init__(self) -> None:
        self._guard = threading.Lock()

    @contextmanager
    def track(self, _filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        """jgo's hook around one download; an attempt that breaks off is taken back."""
        before = [0]

        def update(count: int) -> None:
            before[0] += count
            self._add(count)

        try:
            yield update
        except BaseException:
            self._add(-before[0])
            raise

    def _add(self, count: int) -> None:
        if self.stopping.is_set() and count > 0:
            raise InterruptedError("the download was given up")
        with self._guard:
            old, self.arrived = self.arrived, self.arrived + count
            if self.arrived * 100 // self.total != old * 100 // self.total:
                self.report(min(self.arrived / self.total, 1.0))


def _check_space(folder: Path, jars_bytes: int) -> None:
    free, needed = shutil.disk_usage(folder).free, jars_bytes + SPARE_BYTES
    if free < needed:
        raise DiskFull(folder=folder, free_bytes=free, needed_bytes=needed)


def _jar(line: str) -> Jar:
    digest, size, coordinate = line.split()
    group, name, version = coordinate.split(":")
    return Jar(group=group, name=name, version=version, sha256=digest, size_bytes=int(size))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception | None) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
