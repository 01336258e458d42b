"""What the terminal shows."""

import json

import pytest
from goodword.platform.events import Ended, Noted, Ready, StackProgress, Starting, Wrote
from goodword.platform.log_lines import read_line, tail
from goodword.screen import Watcher, log_line, table
from local_stack import Progress
from rich.console import Console

LINE = {
    "at": "2026-11-01T12:34:56.789Z",
    "level": "warning",
    "event": "a part failed",
    "logger": "service_kit.main",
    "service": "rewards",
    "part": "relay",
    "trace_id": "a" * 32,
}


def test_a_log_line_is_shown_in_short() -> None:
    shown = log_line("rewards-0", json.dumps(LINE))
    assert shown is not None
    assert shown.plain == "rewards-0      │ 12:34:56 warning a part failed part=relay"


def test_an_exception_is_shown_by_its_last_line() -> None:
    line = json.dumps(LINE | {"exception": "Traceback\n  File\nValueError: bad"})
    assert read_line(line).exception == "ValueError: bad"
    shown = log_line("rewards-0", line)
    assert shown is not None
    assert shown.plain.endswith("\n               │ ValueError: bad")


def test_what_is_not_json_is_shown_as_it_is() -> None:
    for line in ("Traceback (most recent call last):", "[1]", "3", '{"at": 1}'):
        shown = log_line("hub-0", line)
        assert shown is not None
        assert shown.plain == f"hub-0          │ {line}"


@pytest.mark.parametrize(
    ("logger", "level", "shown"),
    [
        ("service_kit.main", "info", True),
        ("asyncio", "info", False),
        ("asyncio", "error", True),
        ("aiokafka.consumer", "info", False),
        ("faststream", "warning", False),
    ],
)
def test_libraries_are_heard_only_when_something_is_wrong(
    logger: str, level: str, shown: bool
) -> None:
    line = json.dumps(LINE | {"logger": logger, "level": level})
    assert (log_line("hub-0", line) is not None) is shown


def test_the_tail_of_a_log_is_short() -> None:
    lines = [json.dumps(LINE | {"event": f"number {n}"}) for n in range(30)]
    told = tail("\n".join([*lines, "", "the end"])).splitlines()
    assert len(told) == 12
    assert told[-1] == "  the end"
    assert told[0] == "  12:34:56 warning number 19 part=relay"


def test_markup_in_a_log_line_is_not_interpreted() -> None:
    console = Console(record=True, width=100)
    console.print(log_line("hub-0", "[red]not markup[/red]"))
    assert "[red]not markup[/red]" in console.export_text()


def test_the_watcher_shows_progress_and_then_lines() -> None:
    console = Console(record=True, width=100)
    watcher = Watcher(console)
    for event in (
        StackProgress(Progress("kafka", None)),
        StackProgress(Progress("kafka", 1.0)),
        Starting("hub-0", 7),
        Ready("hub-0", "http://127.0.0.1:1"),
        Ended("hub-0", -9, 0.2),
        Wrote("hub-0", json.dumps(LINE)),
        Noted("topic a has 1 partitions"),
    ):
        watcher(event)
    watcher.close()
    text = console.export_text()
    assert "hub-0          │ ready at http://127.0.0.1:1" in text
    assert "ended with -9; started again in 0.2 s" in text
    assert "a part failed" in text


def test_numbers_are_right_aligned() -> None:
    made = table("T", ("name", "count"), [("a", 1), ("b", 22)])
    assert [column.justify for column in made.columns] == ["left", "right"]
    assert table("T", ("name",), []).row_count == 0
