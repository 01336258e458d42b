"""Where every service stands, and whether all work is done: pure, over what services answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceStatus:
    """One instance: its process, its readiness, and its `/internal/status` (None: no answer)."""

    service: str
    ordinal: int
    url: str
    pid: int | None
    memory_bytes: int | None
    ready: bool
    reasons: Sequence[str] = ()
    document: Mapping[str, object] | None = None

    @property
    def name(self) -> str:
        """Such as `rewards-0`."""
        return f"{self.service}-{self.ordinal}"

    def number(self, field_name: str) -> int:
        """A count of the status document; 0 where the service has no such thing."""
        found = (self.document or {}).get(field_name)
        return found if isinstance(found, int) else 0

    @property
    def next_due_at(self) -> datetime | None:
        """When the earliest due row is due."""
        found = (self.document or {}).get("next_due_at")
        return datetime.fromisoformat(found) if isinstance(found, str) else None

    @property
    def is_due_by_event(self) -> bool:
        """Whether that row follows from an event, rather than from the calendar."""
        return bool((self.document or {}).get("next_due_by_event", True))

    @property
    def tables_behind(self) -> int:
        """How many records of its table topics it has still to read."""
        found = (self.document or {}).get("table_lag")
        counts = found.values() if isinstance(found, Mapping) else ()
        return sum(count for count in counts if isinstance(count, int))

    @property
    def are_tables_read(self) -> bool:
        """Whether its table topics are read to their end."""
        at_end = (self.document or {}).get("tables_at_end", True)
        return bool(at_end) and self.tables_behind == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything at about one moment."""

    taken_at: datetime
    instances: Sequence[InstanceStatus]
    lag: Mapping[str, Mapping[str, int]]  # by service and topic; only what is behind
    end_offsets: int  # of all topics together: whether anything was published in between
    kafka: str
    postgres: str
    keys: Mapping[str, str] = field(default_factory=dict)

    def unsettled(self, horizon: timedelta) -> list[str]:
        """Why work is still in flight, or about to be within the horizon; none when settled."""
        reasons = [reason for each in self.instances for reason in self._of(each, horizon)]
        return reasons + [
            f"{service} is {behind} behind on {topic}"
            for service, topics in self.lag.items()
            for topic, behind in topics.items()
        ]

    def is_followed_by(self, later: "Snapshot") -> bool:
        """Whether nothing was published between the two."""
        return self.end_offsets == later.end_offsets

    def _of(self, each: InstanceStatus, horizon: timedelta) -> list[str]:
        if not each.ready or each.document is None:
            return [f"{each.name} is not ready: {', '.join(each.reasons) or 'no status'}"]
        found = [
            f"{each.name} has {count} {what}"
            for what, count in (
                ("rows to publish", each.number("unpublished")),
                ("events waiting for a fact", each.number("waiting")),
                ("events in its spool", each.number("spooled")),
                ("pieces of work in hand", each.number("pending")),
            )
            if count
        ]
        if not each.are_tables_read:
            found.append(f"{each.name} has not read its tables to the end")
        due_at = each.next_due_at
        if due_at is not None and each.is_due_by_event and due_at <= self.taken_at + horizon:
            found.append(f"{each.name} has work due at {due_at.isoformat()}")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A snapshot, and whether it was settled twice in a row."""

    snapshot: Snapshot
    settled: bool
    unsettled: Sequence[str]

    def to_json(self) -> dict[str, object]:
        """What `goodword status --json` prints."""
        snapshot = self.snapshot
        services: dict[str, list[dict[str, object]]] = {}
        for each in snapshot.instances:
            lag = sum(snapshot.lag.get(each.service, {}).values())
            services.setdefault(each.service, []).append(_instance(each, lag))
        return {
            "services": services,
            "kafka": snapshot.kafka,
            "postgres": snapshot.postgres,
            "keys": dict(snapshot.keys),
            "settled": self.settled,
            "unsettled": list(self.unsettled),
        }


def _instance(each: InstanceStatus, lag: int) -> dict[str, object]:
    due_at = each.next_due_at
    return {
        "name": each.name,
        "pid": each.pid,
        "url": each.url,
        "ready": each.ready,
        "reasons": list(each.reasons),
        "lag": lag,
        "memory_bytes": each.memory_bytes,
        "unpublished": each.number("unpublished"),
        "waiting": each.number("waiting"),
        "parked": each.number("parked") + each.number("due_parked"),
        "spooled": each.number("spooled"),
        "tables_read": each.are_tables_read,
        "next_due_at": due_at.isoformat() if due_at else None,
    }
