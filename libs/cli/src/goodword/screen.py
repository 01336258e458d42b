"""What the terminal shows: log lines in short, progress, tables. Everything else is plain text."""

from collections.abc import Iterable, Mapping, Sequence
from zlib import crc32

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from .platform.events import (
    Ended,
    Noted,
    PlatformEvent,
    Ready,
    StackProgress,
    Starting,
    Wrote,
)
from .platform.log_lines import read_line
from .platform.status import Status

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_COLOURS = ("cyan", "green", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta")
_LEVELS = {"warning": "yellow", "error": "bold red", "critical": "bold red"}
_NAME_WIDTH = 15
_STAGES = {
    "jars": "Kafka's jars",
    "kafka": "Kafka",
    "postgres": "PostgreSQL",
    "containers": "containers",
}
_MEBIBYTE = 1 << 20


def log_line(instance: str, line: str) -> Text | None:
    """A service's log line in short: who, when, what; the file has the whole of it.

    None for what its libraries say while nothing is wrong.
    """
    read = read_line(line)
    if read.is_chatter:
        return None
    text = _prefixed(instance)
    if read.at:
        text.append(f"{read.at} ", "dim")
    if read.level in _LEVELS:
        text.append(f"{read.level} ", _LEVELS[read.level])
    text.append(read.event)
    for name, value in read.fields.items():
        text.append(f" {name}=", "dim").append(value)
    if read.exception:
        text.append(f"\n{' ' * _NAME_WIDTH}│ {read.exception}", "red")
    return text


def _prefixed(instance: str) -> Text:
    colour = _COLOURS[crc32(instance.encode()) % len(_COLOURS)]
    return Text().append(f"{instance:<{_NAME_WIDTH}}", colour).append("│ ", "dim")


class Watcher:
    """Shows a platform coming up and running: bars while the stack boots, then lines."""

    def __init__(self, console: Console = out) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<14}"),
            BarColumn(),
            TaskProgressColumn(),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: PlatformEvent) -> None:
        """Show one event."""
        if isinstance(event, StackProgress):
            self._progress(event.progress.stage, event.progress.fraction)
            return
        self.close()
        line = self._line(event)
        if line is not None:
            self._console.print(line, soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bars.live.is_started:
            self._bars.stop()

    def _progress(self, stage: str, fraction: float | None) -> None:
        if stage not in self._tasks:
            self._bars.start()
            self._tasks[stage] = self._bars.add_task(_STAGES.get(stage, stage), total=None)
        if fraction is not None:
            self._bars.update(self._tasks[stage], total=1.0, completed=fraction)
        if all(task.finished for task in self._bars.tasks):
            self.close()

    def _line(self, event: PlatformEvent) -> Text | None:
        match event:
            case Wrote(instance, line):
                return log_line(instance, line)
            case Ready(instance, url):
                return _prefixed(instance).append(f"ready at {url}", "bold")
            case Starting(instance, pid):
                return _prefixed(instance).append(f"started, process {pid}", "dim")
            case Ended(instance, code, pause):
                told = f"ended with {code}; started again in {pause:.1f} s"
                return _prefixed(instance).append(told, "bold red")
            case Noted(text):
                return _prefixed("goodword").append(text, "yellow")
            case _:
                return None


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; numbers are right-aligned."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    cells = [list(row) for row in rows]
    for index, column in enumerate(columns):
        numeric = all(isinstance(row[index], int) for row in cells) and bool(cells)
        made.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        made.add_row(*(str(cell) for cell in row))
    return made


def status_table(status: Status) -> Table:
    """`goodword status`, one row an instance."""
    document: Mapping[str, Sequence[Mapping[str, object]]]
    document = status.to_json()["services"]  # type: ignore[assignment]
    return table(
        "Services",
        ("instance", "pid", "ready", "url", "lag", "unpublished", "waiting", "parked", "memory"),
        [
            (
                each["name"],
                each["pid"] or "-",
                "yes" if each["ready"] else ", ".join(map(str, _texts(each["reasons"]))) or "no",
                each["url"],
                each["lag"],
                each["unpublished"],
                each["waiting"],
                each["parked"],
                _megabytes(each["memory_bytes"]),
            )
            for instances in document.values()
            for each in instances
        ],
    )


def _megabytes(size: object) -> str:
    return f"{size / _MEBIBYTE:.0f} MiB" if isinstance(size, int) else "-"


def _texts(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
