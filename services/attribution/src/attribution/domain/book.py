"""What the control plane has said: links, participants, programs, policies, as known by a time.

Every revision is kept with the time it was heard, so that a decision whose grace has ended is
decided again by what was known then.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from msgspec import Struct, field
from shared_schemas.words import AttributionModel, Group


class _Revision(Protocol):
    @property
    def heard_at(self) -> datetime: ...


R = TypeVar("R", bound=_Revision)


class Link(Struct, frozen=True, kw_only=True):
    """One revision of a code: where it belongs, and who owned it since when (oldest first)."""

    code: str
    revision: int
    heard_at: datetime
    program_id: str
    market_id: str
    expires_at: datetime | None
    revoked_at: datetime | None
    owners: tuple[tuple[datetime, str], ...]

    def owner_at(self, moment: datetime) -> str:
        """Whose link it was; before its history begins, its first owner's."""
        since = [owner for from_at, owner in self.owners if from_at <= moment]
        return since[-1] if since else self.owners[0][1]

    def refusal_at(self, moment: datetime) -> str | None:
        """Why a touch of then does not count."""
        if self.revoked_at is not None and moment >= self.revoked_at:
            return f"the link was revoked on {self.revoked_at:%Y-%m-%d %H:%M} UTC"
        if self.expires_at is not None and moment >= self.expires_at:
            return f"the link expired on {self.expires_at:%Y-%m-%d %H:%M} UTC"
        return None


class Period(Struct, frozen=True, kw_only=True):
    """What was true of a participant from a moment on."""

    from_at: datetime
    group: Group
    active: bool


class Participant(Struct, frozen=True, kw_only=True):
    """One revision of a participant's dated history (oldest first)."""

    participant_id: str
    revision: int
    heard_at: datetime
    periods: tuple[Period, ...]

    def period_at(self, moment: datetime) -> Period | None:
        """What was true then, None before the enrolment."""
        since = [period for period in self.periods if period.from_at <= moment]
        return since[-1] if since else None

    def group_at(self, moment: datetime) -> Group:
        """The group then; before the enrolment, the first."""
        return (self.period_at(moment) or self.periods[0]).group


class ProgramVersion(Struct, frozen=True, kw_only=True):
    """A version of a program and since when it is in force."""

    version: int
    heard_at: datetime
    effective_at: datetime


class ProgramStatus(Struct, frozen=True, kw_only=True):
    """A pause, its end, or the program's end."""

    revision: int
    heard_at: datetime
    effective_at: datetime
    status: str  # paused, active, ended


class Program(Struct, frozen=True):
    """Everything heard of a program, by revision."""

    versions: tuple[ProgramVersion, ...] = ()
    statuses: tuple[ProgramStatus, ...] = ()

    def version_at(self, moment: datetime, known_by: datetime) -> int | None:
        """The version in force at a moment, None if there was none yet."""
        version = _in_force(known(self.versions, known_by), moment)
        return version.version if version else None

    def refusal_at(self, moment: datetime, known_by: datetime) -> str | None:
        """Why a conversion of then earns nothing here, though a version was in force."""
        so_far = [
            status
            for status in self.statuses
            if status.effective_at <= moment and status.heard_at <= known_by
        ]
        if any(status.status == "ended" for status in so_far):
            return "the program had ended then"
        last = max(so_far, key=lambda status: (status.effective_at, status.revision), default=None)
        return "the program was paused then" if last and last.status == "paused" else None


class Policy(Struct, frozen=True, kw_only=True):
    """A version of a market's attribution policy. `windows` holds None for every other group."""

    version: int
    heard_at: datetime
    effective_at: datetime
    model: AttributionModel
    windows: Mapping[Group | None, int]
    grace_seconds: int
    collapse_repeats_seconds: int
    unconfirmed_seconds: int

    def window_of(self, group: Group) -> timedelta:
        """How long before a conversion a touch of this group may lie; nothing said is no time."""
        return timedelta(seconds=self.windows.get(group, self.windows.get(None, 0)))


class Book(Struct, frozen=True):
    """The read tables that some decisions need, by id; revisions oldest first."""

    links: Mapping[str, Sequence[Link]] = field(default_factory=dict)
    participants: Mapping[str, Sequence[Participant]] = field(default_factory=dict)
    programs: Mapping[str, Program] = field(default_factory=dict)
    policies: Mapping[str, Sequence[Policy]] = field(default_factory=dict)

    def __or__(self, other: "Book") -> "Book":
        return Book(
            {**self.links, **other.links},
            {**self.participants, **other.participants},
            {**self.programs, **other.programs},
            {**self.policies, **other.policies},
        )

    def knows(self, key: str) -> bool:
        """Whether a fact such as `link/spring` is here."""
        kind, _, name = key.partition("/")
        if kind == "program":
            return name in self.programs and bool(self.programs[name].versions)
        tables: Mapping[str, Mapping[str, object]] = {
            "link": self.links,
            "participant": self.participants,
            "market": self.policies,
        }
        return name in tables[kind]

    def needs_of(self, code: str) -> tuple[str, ...]:
        """The facts that all revisions of a link refer to."""
        needs: dict[str, None] = {}
        for link in self.links.get(code, ()):
            needs |= dict.fromkeys(link_needs(link))
        return tuple(needs)


def link_needs(link: Link) -> tuple[str, ...]:
    """The facts that a link refers to."""
    owners = sorted({owner for _, owner in link.owners})
    return (
        f"market/{link.market_id}",
        f"program/{link.program_id}",
        *(f"participant/{owner}" for owner in owners),
    )


def known(revisions: Sequence[R], by: datetime) -> Sequence[R]:
    """What was heard by a time; where nothing was, the first that was heard."""
    if len(revisions) == 1:
        return revisions
    return [revision for revision in revisions if revision.heard_at <= by] or revisions[:1]


def latest(revisions: Sequence[R], by: datetime) -> R | None:
    """The newest revision that was heard by a time; where none was, the first."""
    heard = known(revisions, by)
    return heard[-1] if heard else None


def policy_for(
    policies: Iterable[Policy], occurred_at: datetime, reported_at: datetime
) -> tuple[Policy, datetime]:
    """The policy in force when a conversion occurred, and the end of its grace.

    A version counts if it was heard before the grace of those heard before it had ended. Where
    none was in force yet, the first to be in force rules. Raises ValueError without policies.
    """
    ruling: Policy | None = None
    for policy in sorted(policies, key=lambda p: (p.heard_at, p.version)):
        if ruling is None or policy.heard_at <= grace_end(ruling, reported_at):
            ruling = policy if ruling is None else _better(ruling, policy, occurred_at)
    if ruling is None:
        raise ValueError("a market without a policy")
    return ruling, grace_end(ruling, reported_at)


def grace_end(policy: Policy, reported_at: datetime) -> datetime:
    """When late touches stop to matter."""
    return reported_at + timedelta(seconds=policy.grace_seconds)


def _better(one: Policy, other: Policy, moment: datetime) -> Policy:
    in_force = _in_force((one, other), moment)
    return in_force or min(one, other, key=lambda p: (p.effective_at, p.version))


class _Dated(Protocol):
    @property
    def version(self) -> int: ...
    @property
    def effective_at(self) -> datetime: ...


V = TypeVar("V", bound=_Dated)


def _in_force(versions: Iterable[V], moment: datetime) -> V | None:
    since = (version for version in versions if version.effective_at <= moment)
    return max(since, key=lambda version: (version.effective_at, version.version), default=None)
