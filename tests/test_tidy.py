"""The house's limits, read from the source: what this test refuses, a reviewer need not."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50
MAX_PARAMETERS = 6
ROOMS = ("__main__", "settings", "domain", "store", "handlers", "api")
WITHOUT_DATABASE = {"tracking"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "managers"}
LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
REGISTRIES = re.compile(r"https?://[\w.-]*(pypi|pythonhosted|npmjs|maven\.org|maven2|crates\.io)")
MACHINE_PATHS = re.compile(r"/(root|work|home/\w+)/")


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


TRACKED = _tracked()
SOURCES = [path for path in TRACKED if path.suffix == ".py"]
SERVICES = sorted(path.parent for path in (ROOT / "services").glob("*/pyproject.toml"))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_longer_than_the_limit() -> None:
    long = {
        _name(path): lines
        for path in SOURCES
        if (lines := len(path.read_text().splitlines())) > MAX_FILE_LINES
    }
    assert long == {}


def test_no_function_is_longer_than_the_limit() -> None:
    long = {
        f"{_name(path)}:{node.name}": lines
        for path in SOURCES
        for node in _functions(path)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert long == {}


def test_no_function_takes_more_parameters_than_the_limit() -> None:
    wide = {
        f"{_name(path)}:{node.name}"
        for path in SOURCES
        if "tests" not in path.parts
        for node in _functions(path)
        if len(
            [a for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in ("self", "cls")]
        )
        > MAX_PARAMETERS
    }
    assert wide == set()


def test_no_room_has_a_name_that_says_nothing() -> None:
    vague = {_name(path) for path in SOURCES if path.stem in FORBIDDEN_NAMES}
    assert vague == set()


def test_nothing_is_left_for_later() -> None:
    this = Path(__file__).resolve()
    later = {_name(path) for path in SOURCES if path != this and LEFTOVERS.search(path.read_text())}
    assert later == set()


def test_no_file_names_a_registry_or_a_path_of_a_machine() -> None:
    this = Path(__file__).resolve()
    texts = ((path, path.read_text(errors="ignore")) for path in TRACKED if path.resolve() != this)
    guilty = {
        _name(path) for path, text in texts if REGISTRIES.search(text) or MACHINE_PATHS.search(text)
    }
    assert guilty == set()


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_every_service_has_the_same_rooms(service: Path) -> None:
    rooms = service / "src" / service.name
    missing = {
        room
        for room in ROOMS
        if not (rooms / f"{room}.py").exists() and not (rooms / room).is_dir()
    }
    if service.name in WITHOUT_DATABASE:
        missing -= {"store"}
    else:
        assert list((service / "migrations").glob("*.sql"))
    assert missing == set()
    assert (service / "README.md").exists()


def test_every_public_class_and_function_says_what_it_is() -> None:
    silent = {
        f"{_name(path)}:{node.name}"
        for path in SOURCES
        if "src" in path.parts
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    }
    assert silent == set()


def test_only_the_kit_commits() -> None:
    """One edge commits; a service that opens or ends a transaction of its own is a defect."""
    committers = {
        _name(path)
        for path in SOURCES
        if "services" in path.parts and "src" in path.parts
        if re.search(r"\.commit\(|COMMIT\b", path.read_text())
    }
    assert committers == set()
