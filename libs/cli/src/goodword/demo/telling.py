"""What the demo prints: a summary, what differs, one journey in words, where to look."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from shared_schemas.money import Money

from ..screen import table
from .comparing import Mismatch
from .playing import Played

NUMBERS: Final = (
    "touches",
    "conversions",
    "credits",
    "verdicts",
    "rewards",
    "messages",
    "payouts",
    "ledger_imbalance_minor",
    "duplicates_absorbed",
    "parked",
    "traces_complete",
)


def summary(played: Played) -> Table:
    """One row a journey."""
    wrong = {mismatch.journey for mismatch in played.look.mismatches}
    return table(
        "Journeys",
        ("", "journey", "what happens", "what came of it"),
        [
            (
                "WRONG" if name in wrong else "ok",
                name.replace("_", " "),
                journey["about"],
                "\n".join(_came_of(journey["conversions"])),
            )
            for name, journey in played.expected["journeys"].items()
        ],
    )


def _came_of(conversions: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    said = list(conversions.values())
    many = f"{len(said)} times " if len(said) > 1 else ""
    rewards = said[0].get("rewards", {})
    if not rewards:
        yield f"{many}{said[0]['state']}: {said[0]['because']}"
    for whose, reward in rewards.items():
        amount = reward["paid"] if reward["state"] == "clawed_back" else reward["worth"]
        told = "" if reward["state"] == "declined" else f" {amount}"
        yield f"{many}{whose.partition('/')[0]} {reward['state'].replace('_', ' ')}{told}"


def wrongs(mismatches: "list[Mismatch] | tuple[Mismatch, ...]") -> Table:
    """One row for everything that is not as expected."""
    return table(
        "Not as expected",
        ("where", "expected", "actual"),
        [(one.where, _short(one.expected), _short(one.actual)) for one in mismatches],
    )


def journey_in_words(played: Played, reference: str) -> Panel:
    """Every stage of one journey with its decision, reason and next step."""
    stages = played.explained["journey"]["stages"]
    told = [_stage(stage) for stage in stages if stage["name"] != "message"]
    sent = sum(stage["name"] == "message" for stage in stages)
    told.append(Text(f"{sent} messages told of it.", "dim"))
    return Panel(Group(*told), title=f"Why, for order {reference}", title_align="left")


def _stage(stage: Mapping[str, Any]) -> Text:
    text = Text().append(f"{stage['name']} {stage['state']}", "bold")
    text.append(f": {stage['decision']}")
    if stage["amount"] is not None:
        text.append(f", {Money.of(stage['amount'], stage['currency'])}")
    if stage["reason"]:
        text.append(f". {stage['reason'].rstrip('.')}.")
    for seen in stage["evidence"]:
        mark = "+" if seen["counted"] else "-"
        text.append(f"\n  {mark} {seen['what']}: {seen['why']}", "dim")
    for line in stage["lines"]:
        text.append(f"\n  {line}", "dim")
    if stage["next_step"]:
        text.append(f"\n  Next: {stage['next_step']}", "dim")
    return text


def numbers(played: Played, seconds: float) -> dict[str, int | float]:
    """The numbers of `--json`."""
    totals = played.look.totals
    return {**{name: totals[name] for name in NUMBERS}, "seconds": round(seconds, 1)}


def show(console: Console, played: Played, reference: str) -> None:
    """Everything but where to look."""
    console.print(summary(played))
    if played.look.mismatches:
        console.print(wrongs(list(played.look.mismatches)))
    for whose, missing in played.look.traces_missing.items():
        console.print(f"The trace of {whose} lacks {', '.join(missing)}", markup=False)
    console.print(journey_in_words(played, reference))


def _short(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
