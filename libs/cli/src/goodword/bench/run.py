"""All figures asked for, run after run, both sides in turn on one stack."""

import asyncio
import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local_stack import Infrastructure, provide

from ..errors import PlatformError
from .figures import RUNS
from .report import Line, Measured, lines, markdown, recorded, void
from .sides import Bench

Say = Callable[[str], None]
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to measure, how long, how often."""

    only: Sequence[str]
    seconds: float
    warm_up: float
    runs: int


class NoBaselines(PlatformError):
    """Not in the checkout: the baselines live beside the sources."""

    def __init__(self) -> None:
        super().__init__("benchmarks/bare is not here: run this in the root of the checkout.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a whole run found, and why it does not count, if so."""

    lines: Sequence[Line]
    void: Sequence[str]
    commit: str
    at: datetime
    options: Options

    @property
    def met(self) -> bool:
        """Whether it counts and every promise holds."""
        return not self.void and all(line.met for line in self.lines)

    def to_json(self) -> dict[str, object]:
        """All of it."""
        return {
            "commit": self.commit,
            "at": self.at.isoformat(),
            "seconds": self.options.seconds,
            "warm_up": self.options.warm_up,
            "runs": self.options.runs,
            "void": list(self.void),
            "figures": [line.to_json() for line in self.lines],
        }


async def run(state: Path, options: Options, say: Say) -> Outcome:
    """Measure. Raises PlatformError when something cannot be measured."""
    root = Path.cwd()
    if not (root / "benchmarks" / "bare" / "door.py").is_file():
        raise NoBaselines
    commit = await asyncio.to_thread(_commit, root)
    measured: list[Measured] = []
    async with provide(state) as infrastructure:
        bench = _bench(infrastructure, state, root, options)
        for number in range(1, options.runs + 1):
            for name in options.only:
                found = await RUNS[name](bench)
                measured += found
                for each in found:
                    beside = f" beside {each.bare:,.1f} bare" if each.bare is not None else ""
                    say(f"run {number}: {each.name} {each.ours:,.1f}{beside}")
    found_lines = lines(measured)
    return Outcome(
        lines=found_lines,
        void=void(found_lines, recorded(root)),
        commit=commit,
        at=datetime.now(UTC),
        options=options,
    )


def keep(outcome: Outcome, root: Path) -> Path:
    """Write the result beside the others, and its table into the page."""
    folder = root / "benchmarks"
    file = folder / "results" / f"{outcome.at:%Y-%m-%d}-{outcome.commit}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(outcome.to_json(), indent=1) + "\n")
    page = folder / "README.md"
    before, rest = page.read_text().split(BEGIN)
    after = rest.split(END)[1]
    told = (
        f"{outcome.at:%Y-%m-%d}, commit {outcome.commit}, {outcome.options.seconds:.0f} s after "
        f"{outcome.options.warm_up:.0f} s, median of {outcome.options.runs}.\n\n"
    )
    page.write_text(f"{before}{BEGIN}\n{told}{markdown(outcome.lines)}\n{END}{after}")
    return file


def _bench(infrastructure: Infrastructure, state: Path, root: Path, options: Options) -> Bench:
    return Bench(
        infrastructure=infrastructure,
        state=state.absolute(),
        root=root,
        seconds=options.seconds,
        warm_up=options.warm_up,
    )


def _commit(root: Path) -> str:
    git = ["git", "-C", str(root)]
    head = subprocess.run(  # noqa: S603 - our own arguments
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    changed = subprocess.run(  # noqa: S603
        [*git, "status", "--porcelain"], capture_output=True, text=True, check=False
    )
    return (head.stdout.strip() or "unknown") + ("-changed" if changed.stdout.strip() else "")
