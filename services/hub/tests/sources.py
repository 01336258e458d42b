"""The sentences in the deciding services' sources: each needs a place in our catalogue."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SERVICES = Path(__file__).parents[2]
_WORDS = re.compile(r"[A-Za-z]+ |[A-Za-z] [A-Za-z]")
_SILENT = {"counter", "error", "get", "info", "post", "span", "warning"}
_TOLD = {"AddressRefused", "Refused", "TargetRefused", "Unsure"}  # exceptions that become reasons


def fragments(service: str, *rooms: str) -> Iterator[re.Pattern[str]]:
    """What these modules of a service write, with anything where a value is put."""
    for room in rooms:
        path = SERVICES / service / "src" / service / f"{room}.py"
        for node in _spoken(ast.parse(path.read_text())):
            text = _text(node)
            if _WORDS.search(text):
                yield re.compile(".+".join(map(re.escape, text.split("\0"))), re.S)


def _text(node: ast.AST) -> str:
    """A text with `\\0` for each value."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "\0" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _spoken(node: ast.AST) -> Iterator[ast.AST]:
    """All but docstrings, annotations, logs, metrics, routes and errors that are bugs of ours."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Raise) and _called(node.exc) not in _TOLD:
        return
    if isinstance(node, ast.Call) and _called(node) in _SILENT:
        return
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inner = iter(node.body)
    else:
        inner = iter(()) if isinstance(node, ast.JoinedStr) else ast.iter_child_nodes(node)
    for child in inner:
        yield from _spoken(child)


def _called(node: ast.AST | None) -> str:
    named = node.func if isinstance(node, ast.Call) else node
    return getattr(named, "attr", "") or getattr(named, "id", "")
