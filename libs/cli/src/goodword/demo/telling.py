"""What the demo prints: a summary, what differs, one journey in words, where to look."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from shared_schemas.money import Money

from ..screen import table
from .comparing import Mismatch
from .playing import Played

Body = Mapping[str, Any]
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


def wrongs(mismatches: Sequence[Mismatch]) -> Table:
    """One row for everything that is not as expected."""
    return table(
        "Not as expected",
        ("where", "expected", "actual"),
        [(one.where, _short(one.expected), _short(one.actual)) for one in mismatches],
    )


def journey_in_words(played: Played, reference: str) -> Panel:
    """One journey: each decision as the hub has it, with its reason, evidence and next step."""
    documents = played.explained["documents"]
    told = [
        text
        for kind, tell in _TELL.items()
        for document in documents
        if document["kind"] == kind
        for text in tell(document["body"])
    ]
    sent = sum(document["kind"] == "message" for document in documents)
    told.append(Text(f"{sent} messages told of it.", "dim"))
    return Panel(Group(*told), title=f"Why, for order {reference}", title_align="left")


def _credit(body: Body) -> Iterator[Text]:
    shares = body.get("shares", ())
    whose = ", ".join(f"{share['participant_id']} {share['weight']}" for share in shares)
    text = _step("credit", body["state"], whose or "nobody", body["reason"])
    seen = [one for share in shares for one in share["evidence"]] + list(body["refused"])
    for one in sorted(seen, key=lambda one: str(one["at"])):
        mark = "+" if one["counted"] else "-"
        text.append(f"\n  {mark} {one['kind']} of {one['code']}: {one['why']}", "dim")
    yield _next(text, body)


def _verdict(body: Body) -> Iterator[Text]:
    reasons = [one["why"].rstrip(".") for one in body["contributions"]]
    told = "; ".join(reasons) or "nothing speaks against it"
    yield _next(_step("fraud check", body["state"], f"score {body['score']}", told), body)


def _reward(body: Body) -> Iterator[Text]:
    amount = Money.of(body["amount_minor"], body["currency"])
    whose = f"{body['beneficiary_id']}, {amount}"
    text = _step("reward", body["state"], whose, body["reason"])
    for line in body["explanation"]:
        text.append(f"\n  {line}", "dim")
    yield _next(text, body)


def _payout(body: Body) -> Iterator[Text]:
    amount = Money.of(body["amount_minor"], body["currency"])
    whose = f"{body['beneficiary_id']}, {amount} by {body['rail']}"
    yield _step("payout", body["state"], whose, body["reason"])


_TELL: Final[Mapping[str, Callable[[Body], Iterator[Text]]]] = {
    "conversion": _credit,
    "verdict": _verdict,
    "reward": _reward,
    "payout": _payout,
}


def _step(what: str, state: str, whose: str, reason: str) -> Text:
    text = Text().append(f"{what} {state.replace('_', ' ')}", "bold").append(f": {whose}")
    return text.append(f". {reason.rstrip('.')}." if reason else ".")


def _next(text: Text, body: Body) -> Text:
    return text.append(f"\n  Next: {body['next_step']}", "dim")


def numbers(played: Played, seconds: float) -> dict[str, int | float]:
    """The numbers of `--json`."""
    totals = played.look.totals
    return {**{name: totals[name] for name in NUMBERS}, "seconds": round(seconds, 1)}


def show(console: Console, played: Played, reference: str) -> None:
    """Everything but where to look."""
    console.print(summary(played))
    if played.look.mismatches:
        console.print(wrongs(played.look.mismatches))
    for whose, missing in played.look.traces_missing.items():
        console.print(f"The trace of {whose} lacks {', '.join(missing)}", markup=False)
    console.print(journey_in_words(played, reference))


def _short(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
