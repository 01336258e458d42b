"""Requests that no person made: prefetchers, link previews, crawlers, scanners, programs.

Agents are known by the list `crawler-user-agents` (MIT), whose tags tell their kind, and by a few
mail scanners that say who they are. What gives itself out for a browser is not recognised here.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import chain

from crawleruseragents import CRAWLER_USER_AGENTS_DATA


class Machine(StrEnum):
    """What made a request, the surest kind first. Only a tool may have a person behind it."""

    HEAD = "head"
    PREFETCH = "prefetch"
    PREVIEW = "preview"
    SCANNER = "scanner"
    BOT = "bot"
    TOOL = "tool"


_BY_TAG = {
    "social-preview": Machine.PREVIEW,
    "scanner": Machine.SCANNER,
    "http-library": Machine.TOOL,
    "browser-automation": Machine.TOOL,
}
_SURENESS = tuple(Machine)
_MAIL_SCANNERS = (
    "Barracuda",
    "Mimecast",
    "[Pp]roof[Pp]oint",
    "Microsoft Office Existence Discovery",
    "Microsoft Office Protocol Discovery",
)
_PURPOSES = re.compile(r"\b(?:prefetch|prerender|preview)\b", re.IGNORECASE)
_PLAIN = re.compile(r"(?:[A-Za-z0-9 _-]|\\[/.\- ])+")
_QUANTIFIERS = "?*+{|"
_KEY_CHARACTERS = 3
_REMEMBERED_AGENTS = 4_096

Patterns = Sequence[tuple[re.Pattern[str], Machine]]


def machine_of(method: str, purpose: str, agent: str | None) -> Machine | None:
    """What made a request, None for a person. `purpose` is what Sec-Purpose, Purpose, X-Purpose
    and X-Moz say together. A request without an agent is a person's who does not tell it."""
    if method == "HEAD":
        return Machine.HEAD
    if purpose and _PURPOSES.search(purpose):
        return Machine.PREFETCH
    return machine_named(agent) if agent else None


@lru_cache(maxsize=_REMEMBERED_AGENTS)
def machine_named(agent: str) -> Machine | None:
    """The machine that an agent says it is; of several kinds the surest."""
    kinds = {kind for pattern, kind in _candidates(agent) if pattern.search(agent)}
    return min(kinds, key=_SURENESS.index, default=None)


def _candidates(agent: str) -> Iterator[tuple[re.Pattern[str], Machine]]:
    """The patterns that may match: a scan of 1,500 for each agent would take milliseconds."""
    keys = {agent[n : n + _KEY_CHARACTERS] for n in range(len(agent))}
    return chain(_OTHERS, *(_BY_KEY[key] for key in keys & _BY_KEY.keys()))


def _kind(tags: Sequence[str]) -> Machine:
    kinds = {_BY_TAG.get(tag, Machine.BOT) for tag in tags} or {Machine.BOT}
    return min(kinds, key=_SURENESS.index)


def _listed() -> Iterator[tuple[str, Machine]]:
    for entry in CRAWLER_USER_AGENTS_DATA:
        yield entry["pattern"], _kind(entry.get("tags", ()))
    for pattern in _MAIL_SCANNERS:
        yield pattern, Machine.SCANNER


def _key(pattern: str) -> str | None:
    """The characters that every match begins with; None where that cannot be told at a glance."""
    plain = _PLAIN.match(pattern)
    if plain is None or "|" in pattern:
        return None
    text = re.sub(r"\\(.)", r"\1", plain[0])
    if pattern[plain.end() : plain.end() + 1] in tuple(_QUANTIFIERS):
        text = text[:-1]
    return text[:_KEY_CHARACTERS] if len(text) >= _KEY_CHARACTERS else None


def _indexed() -> tuple[Mapping[str, Patterns], Patterns]:
    by_key: defaultdict[str, list[tuple[re.Pattern[str], Machine]]] = defaultdict(list)
    others: list[tuple[re.Pattern[str], Machine]] = []
    for pattern, kind in _listed():
        key = _key(pattern)
        (others if key is None else by_key[key]).append((re.compile(pattern), kind))
    return dict(by_key), others


_BY_KEY, _OTHERS = _indexed()
