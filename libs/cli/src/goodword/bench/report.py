"""What was measured against what was promised: a table, a JSON document, a section of a page."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_VOID_BELOW: Final = 0.7
RECORDED: Final = "recorded.json"


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure of one run; no bare side: the figure is a limit of its own."""

    name: str
    ours: float
    bare: float | None
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is promised. Rates are at least, everything else at most."""

    name: str
    figure: str
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    ratio: float | None = None

    def met(self, ours: float, ratio: float | None) -> bool:
        """Whether the promise holds."""
        return (
            (self.at_least is None or ours >= self.at_least)
            and (self.at_most is None or ours <= self.at_most)
            and (self.ratio is None or (ratio is not None and ratio >= self.ratio))
        )

    def __str__(self) -> str:
        parts = [
            f"≥ {self.at_least:,.0f}" if self.at_least is not None else "",
            f"≤ {self.at_most:,.0f}" if self.at_most is not None else "",
            f"≥ {self.ratio} of bare" if self.ratio is not None else "",
        ]
        return " and ".join(part for part in parts if part)


TARGETS: Final = (
    Target(name="hop", figure="(a) one hop", unit="events/s", ratio=0.7),
    Target(
        name="chain", figure="(b) whole chain", unit="conversions/s", at_least=1_000, ratio=0.25
    ),
    Target(name="drained", figure="(b) lag back to 0 after", unit="s", at_most=5),
    Target(name="latency p50", figure="(c) to RewardPending, p50", unit="ms", at_most=80),
    Target(name="latency p99", figure="(c) to RewardPending, p99", unit="ms", at_most=300),
    Target(name="door", figure="(d) single events", unit="events/s", ratio=0.7),
    Target(name="memory service", figure="(e) largest service", unit="MiB PSS", at_most=130),
    Target(name="memory stack", figure="(e) whole stack", unit="MiB PSS", at_most=1_945),
    Target(name="demo", figure="(f) demo, warm", unit="s", at_most=60),
)
"""1.9 GB are 1,945 MiB if a GB is 1,024 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure: the medians of all runs, and whether the promise holds."""

    target: Target
    ours: float
    bare: float | None
    ratio: float | None
    runs: Sequence[Measured]

    @property
    def met(self) -> bool:
        """Whether the promise holds."""
        return self.target.met(self.ours, self.ratio)

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """As a row of a table."""
        return (
            f"{self.target.figure}, {self.target.unit}",
            _number(self.ours),
            _number(self.bare),
            f"{self.ratio:.2f}" if self.ratio is not None else "-",
            str(self.target),
            "yes" if self.met else "NO",
        )

    def to_json(self) -> dict[str, object]:
        """All of it."""
        return {
            "figure": self.target.figure,
            "unit": self.target.unit,
            "ours": self.ours,
            "bare": self.bare,
            "ratio": self.ratio,
            "target": str(self.target),
            "met": self.met,
            "runs": [
                {"ours": run.ours, "bare": run.bare, "detail": dict(run.detail)}
                for run in self.runs
            ],
        }


COLUMNS = ("figure", "ours", "bare", "ratio", "target", "met")


def lines(measured: Sequence[Measured]) -> list[Line]:
    """Medians, in the order of the promises. A ratio is the median of its runs' ratios."""
    found = []
    for target in TARGETS:
        runs = [each for each in measured if each.name == target.name]
        if not runs:
            continue
        bare = [run.bare for run in runs if run.bare is not None]
        ratios = [run.ours / run.bare for run in runs if run.bare]
        found.append(
            Line(
                target=target,
                ours=statistics.median(run.ours for run in runs),
                bare=statistics.median(bare) if bare else None,
                ratio=statistics.median(ratios) if ratios and target.ratio else None,
                runs=runs,
            )
        )
    return found


def void(found: Sequence[Line], recorded: Mapping[str, float]) -> list[str]:
    """Bare rates under 70 % of the recorded ones: then the machine was busy with something else."""
    return [
        f"the bare {line.target.figure} reached {line.bare:,.0f} {line.target.unit}, "
        f"{line.bare / recorded[line.target.name]:.0%} of the {recorded[line.target.name]:,.0f} "
        "recorded: this run is void"
        for line in found
        if line.bare is not None
        and line.target.name in recorded
        and line.bare < _VOID_BELOW * recorded[line.target.name]
    ]


def markdown(found: Sequence[Line]) -> str:
    """The table for the page."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *(line.cells() for line in found)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def recorded(root: Path) -> dict[str, float]:
    """The bare rates of the last run that counted."""
    found: dict[str, float] = json.loads((root / "benchmarks" / RECORDED).read_text())
    return found


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
