"""Which touches may count for a conversion, and in plain words why the others do not."""

from collections.abc import Set
from datetime import datetime, timedelta

from msgspec import Struct
from shared_schemas.words import Group

from .book import Book, Link, Policy, latest
from .values import Identifier, Touch


class Exhibit(Struct, frozen=True, kw_only=True):
    """One touch in a decision: whether it counts, and why."""

    touch: Touch
    participant_id: str | None = None
    counted: bool = False
    why: str


class Candidate(Struct, frozen=True, kw_only=True):
    """A touch that may count, with what it stands for."""

    touch: Touch
    participant_id: str
    group: Group
    program_id: str
    program_version: int
    market_id: str

    def exhibit(self, why: str, *, counted: bool) -> Exhibit:
        """What became of it."""
        return Exhibit(
            touch=self.touch, participant_id=self.participant_id, counted=counted, why=why
        )


class Rules(Struct, frozen=True, kw_only=True):
    """By what the touches of one conversion are judged; `known_by` is the end of its grace."""

    book: Book
    policy: Policy
    occurred_at: datetime
    known_by: datetime
    refusals: Set[Identifier]


def judge(touch: Touch, rules: Rules) -> Candidate | Exhibit:
    """The touch as a candidate, or refused with the first reason that applies."""
    if touch.at > rules.occurred_at:
        return Exhibit(touch=touch, why="it came after the conversion")
    link = standing_link(touch, rules.book, rules.refusals, rules.known_by)
    if isinstance(link, str):
        return Exhibit(touch=touch, why=link)
    owner = link.owner_at(touch.at)
    group = _group_of(owner, rules)
    if isinstance(group, _Refused):
        return Exhibit(touch=touch, participant_id=owner, why=group.why)
    version = _version_of(link.program_id, rules)
    if isinstance(version, _Refused):
        return Exhibit(touch=touch, participant_id=owner, why=version.why)
    window = rules.policy.window_of(group)
    if touch.at < rules.occurred_at - window:
        why = f"it lies outside the window of {_span(window)}"
        return Exhibit(touch=touch, participant_id=owner, why=why)
    return Candidate(
        touch=touch,
        participant_id=owner,
        group=group,
        program_id=link.program_id,
        program_version=version,
        market_id=link.market_id,
    )


def standing_link(
    touch: Touch, book: Book, refusals: Set[Identifier], known_by: datetime
) -> Link | str:
    """The link that a touch came by, or why it is no evidence whatever followed."""
    if not touch.consented and touch.identifier in refusals:
        return "consent was refused"
    link = latest(book.links.get(touch.code, ()), known_by)
    if link is None:
        return "nobody knows this code"
    return link.refusal_at(touch.at) or link


class _Refused(Struct, frozen=True):
    why: str


def _group_of(participant_id: str, rules: Rules) -> Group | _Refused:
    participant = latest(rules.book.participants.get(participant_id, ()), rules.known_by)
    period = participant.period_at(rules.occurred_at) if participant else None
    if period is None:
        return _Refused("the participant was not enrolled then")
    return period.group if period.active else _Refused("the participant was deactivated by then")


def _version_of(program_id: str, rules: Rules) -> int | _Refused:
    program = rules.book.programs.get(program_id)
    version = program.version_at(rules.occurred_at, rules.known_by) if program else None
    if program is None or version is None:
        return _Refused("the program had not begun then")
    why = program.refusal_at(rules.occurred_at, rules.known_by)
    return _Refused(why) if why else version


def _span(window: timedelta) -> str:
    seconds = int(window.total_seconds())
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"
