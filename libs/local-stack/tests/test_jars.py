import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from local_stack.errors import BrokenCache, DiskFull, NoNetwork
from local_stack.jars import JarCache, fetch, pinned

from .repository import cache_of, publish, serving

CONTENT = b"x" * 300_000


def fetch_quietly(cache: JarCache) -> list[float]:
    heard: list[float] = []
    fetch(cache, report=heard.append, stopping=threading.Event())
    return heard


def test_every_jar_of_kafka_is_pinned_by_hash() -> None:
    names = {jar.coordinate for jar in pinned()}
    assert {"org.apache.kafka:kafka_2.13:4.3.1", "org.apache.kafka:kafka-clients:4.3.1"} <= names
    assert len(names) == 46
    assert all(len(jar.sha256) == 64 and jar.size_bytes > 0 for jar in pinned())


def test_fetching_lands_intact_jars_and_reports_bytes(tmp_path: Path) -> None:
    with serving(tmp_path / "remote") as (address, _):
        jars = [publish(tmp_path / "remote", name, CONTENT) for name in ("a", "b")]
        cache = cache_of(tmp_path / "cache", address, *jars)
        heard = fetch_quietly(cache)
    assert cache.missing() == cache.broken() == []
    assert len(cache.class_path().split(":")) == 2
    assert len(heard) > 10
    assert max(heard) == 1.0
    assert not list((tmp_path / "cache").glob(".goodword-*"))


def test_a_jar_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    with serving(tmp_path / "remote") as (address, asked):
        cache = cache_of(tmp_path / "cache", address, publish(tmp_path / "remote", "a", CONTENT))
        fetch_quietly(cache)
        fetch_quietly(cache)
    assert len(asked) == 1


def test_first_runs_at_the_same_time_fetch_once(tmp_path: Path) -> None:
    with serving(tmp_path / "remote") as (address, asked):
        jars = [publish(tmp_path / "remote", name, CONTENT) for name in "abc"]
        cache = cache_of(tmp_path / "cache", address, *jars)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(fetch_quietly, [cache] * 3))
    assert cache.broken() == []
    assert len(asked) == 3


def test_other_bytes_than_pinned_never_land(tmp_path: Path) -> None:
    with serving(tmp_path / "remote") as (address, _):
        jar = replace(publish(tmp_path / "remote", "a", CONTENT), sha256="0" * 64)
        cache = cache_of(tmp_path / "cache", address, jar)
        with pytest.raises(BrokenCache, match="other bytes"):
            fetch_quietly(cache)
    assert cache.missing() == [jar]


def test_an_unreachable_repository_says_what_to_do(tmp_path: Path) -> None:
    jar = publish(tmp_path / "remote", "a", CONTENT)
    cache = cache_of(tmp_path / "cache", "http://127.0.0.1:1", jar)
    with pytest.raises(NoNetwork, match="Connect to the internet"):
        fetch_quietly(cache)


def test_a_repository_without_the_jar_is_told_as_no_network(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with serving(tmp_path / "empty") as (address, _):
        jar = publish(tmp_path / "remote", "a", CONTENT)
        with pytest.raises(NoNetwork, match="a:1"):
            fetch_quietly(cache_of(tmp_path / "cache", address, jar))


def test_a_full_disk_is_told_before_the_download(tmp_path: Path) -> None:
    jar = replace(publish(tmp_path / "remote", "a", CONTENT), size_bytes=1 << 60)
    with pytest.raises(DiskFull, match="MiB are needed"):
        fetch_quietly(cache_of(tmp_path / "cache", "http://127.0.0.1:1", jar))


@pytest.mark.parametrize("content", [CONTENT[:-1], b"y" * len(CONTENT)])
def test_a_broken_jar_is_refused_and_can_be_repaired(tmp_path: Path, content: bytes) -> None:
    with serving(tmp_path / "remote") as (address, _):
        jar = publish(tmp_path / "remote", "a", CONTENT)
        cache = cache_of(tmp_path / "cache", address, jar)
        fetch_quietly(cache)
        (cache.folder / jar.path).write_bytes(content)
        with pytest.raises(BrokenCache, match="goodword doctor --repair"):
            cache.class_path()
        assert cache.remove_broken() == [jar]
        fetch_quietly(cache)
    assert cache.broken() == []


def test_a_download_that_was_given_up_leaves_nothing(tmp_path: Path) -> None:
    stopping = threading.Event()
    stopping.set()
    with serving(tmp_path / "remote") as (address, _):
        cache = cache_of(tmp_path / "cache", address, publish(tmp_path / "remote", "a", CONTENT))
        with pytest.raises(InterruptedError):
            fetch(cache, report=lambda _: None, stopping=stopping)
    assert len(cache.missing()) == 1
