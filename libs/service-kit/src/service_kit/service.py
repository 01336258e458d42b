"""A service as a value: what it hears, how it handles it, what runs beside."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from shared_schemas.event import EventData, Topic
from shared_schemas.events.parked import EventParked, EventReleased
from shared_schemas.table import TopicTable

from .events import DueRow, Event
from .settings import KitSettings
from .transaction import Transaction

if TYPE_CHECKING:
    import asyncio

    from .runtime import Runtime

S = TypeVar("S", bound=KitSettings)

Handler = Callable[[Transaction, Sequence[Event[EventData]]], Awaitable[None]]
DueHandler = Callable[[Transaction, Sequence[DueRow]], Awaitable[None]]
Memory = Callable[[Sequence[Event[EventData]]], Awaitable[None]]
Loop = Callable[["Runtime[S]", "asyncio.Event"], Awaitable[None]]
Pending = Callable[["Runtime[S]"], Awaitable[int]]
Status = Callable[["Runtime[S]"], Mapping[str, object]]


async def _hears_nothing(_tx: Transaction, _events: Sequence[Event[EventData]]) -> None:
    raise LookupError("this service has no handler")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Generic[S]):
    """One service. `S` is its settings class.

    With `migrations` it has a database, and its handlers run in transactions. Without, it keeps
    what it hears from table topics in memory (`remember`) and publishes by `Runtime.producer`.
    """

    name: str
    topics: TopicTable
    hears: tuple[type[EventData], ...] = ()
    handle: Handler = _hears_nothing
    tables: tuple[type[EventData], ...] = ()
    hear_table: Handler = _hears_nothing
    remember: Memory | None = None
    due: Mapping[str, DueHandler] = field(default_factory=dict)
    routes: "Callable[[Runtime[S]], Sequence[Any]] | None" = None
    bearers: Mapping[str, str] = field(default_factory=dict)  # what opens its routes, described
    loops: "Mapping[str, Loop[S]]" = field(default_factory=dict)
    pending: "Pending[S] | None" = None  # how much work its loops have still in hand
    status: "Status[S] | None" = None  # what else `/internal/status` says of it
    migrations: Path | None = None
    max_wait_seconds: int = 86_400

    def __post_init__(self) -> None:
        if self.migrations is None and (self.hears or self.due):
            raise ValueError(f"{self.name} hears events or has due work, so it needs a database")
        if self.migrations is not None:  # raises UnknownType
            for model in (EventParked, EventReleased):
                self.topics.home(model.TYPE, owner=self.name)
        if both := self.group_topics.keys() & self.table_topics.keys():
            raise ValueError(f"{self.name} reads {sorted(both)} as tables and in its group")

    @property
    def group_topics(self) -> dict[str, Topic]:
        """The topics read in the consumer group, by name."""
        return self._carrying(self.hears)

    @property
    def table_topics(self) -> dict[str, Topic]:
        """The topics read whole, by name."""
        return self._carrying(self.tables)

    def _carrying(self, models: tuple[type[EventData], ...]) -> dict[str, Topic]:
        """Every topic that carries one of these: several services publish `<service>.parked`."""
        types = {model.TYPE for model in models}
        return {
            topic.name: topic
            for topic in self.topics
            if any(model.TYPE in types for model in topic.events)
        }
