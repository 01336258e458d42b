"""A decided change: what it says in plain words, and the event that makes it so."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel
from shared_schemas.event import EventData
from shared_schemas.money import Money

from .amounts import duration_text


class Kind(StrEnum):
    """What a change is about; it decides which role may make it."""

    MARKET = "market"
    PROGRAM = "program"
    PARTICIPANT = "participant"
    LINK = "link"
    KEY = "key"


class Role(StrEnum):
    """What an admin key may do, here and at other services; an admin key's scopes are roles."""

    READ = "read"
    PROGRAMS_WRITE = "programs.write"
    PARTICIPANTS_WRITE = "participants.write"
    LINKS_WRITE = "links.write"
    KEYS_WRITE = "keys.write"
    CONTACTS_READ = "contacts.read"
    PARTNERS_READ = "partners.read"
    PARTNERS_WRITE = "partners.write"
    FRAUD_REVIEW = "fraud.review"
    WEBHOOKS_WRITE = "webhooks.write"


ROLE_OF: Mapping[Kind, Role] = {
    Kind.MARKET: Role.PROGRAMS_WRITE,
    Kind.PROGRAM: Role.PROGRAMS_WRITE,
    Kind.PARTICIPANT: Role.PARTICIPANTS_WRITE,
    Kind.LINK: Role.LINKS_WRITE,
    Kind.KEY: Role.KEYS_WRITE,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact before and after; `before` None is new, `after` None is gone."""

    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One event that follows from a decision.

    `cause_id` is its natural key (`program/<id>/<version>`): the same change is the same event.
    `contact` is plain personal data on its way to be sealed; it is never printed.
    """

    kind: Kind
    id: str
    cause_id: str
    event: EventData
    differences: tuple[Difference, ...]
    reason: str = ""
    contact: Mapping[str, str] | None = field(default=None, repr=False)
    contact_digest: str | None = field(default=None, repr=False)


def created(what: str, summary: str) -> tuple[Difference, ...]:
    """The single difference of something new."""
    return (Difference(what, None, summary),)


def differences(
    what: str, before: BaseModel, after: BaseModel, ignore: frozenset[str]
) -> tuple[Difference, ...]:
    """Fact by fact, in plain words, without the fields to ignore."""
    old, new = dict(_facts(before, ignore)), dict(_facts(after, ignore))
    return tuple(
        Difference(f"{what}: {name}", old.get(name), new.get(name))
        for name in (*new, *(name for name in old if name not in new))
        if old.get(name) != new.get(name)
    )


def _facts(model: BaseModel, ignore: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if name in ignore or value is None:
            continue
        yield from _said(name, value)


def _said(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Money):
        yield name, str(value)
    elif isinstance(value, BaseModel):
        for inner, text in _facts(value):
            yield f"{name}.{inner}", text
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for index, part in enumerate(value):
            for inner, text in _facts(part):
                yield f"{name}[{_label(part, index)}].{inner}", text
    elif isinstance(value, tuple):
        yield name, ", ".join(map(str, value)) or "none"
    elif name.endswith("seconds") and isinstance(value, int):
        yield name.removesuffix("_seconds"), duration_text(value)
    elif isinstance(value, bool):
        yield name, "yes" if value else "no"
    else:
        yield name, str(value)


def _label(part: BaseModel, index: int) -> str:
    return str(getattr(part, "name", None) or getattr(part, "group", None) or index)
