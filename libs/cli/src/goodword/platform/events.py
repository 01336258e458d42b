"""What a caller hears while the platform comes up and runs."""

from collections.abc import Callable
from dataclasses import dataclass

from local_stack import Progress


@dataclass(frozen=True, slots=True)
class StackProgress:
    """Kafka and PostgreSQL are being fetched or booted."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Starting:
    """A service's process was started."""

    instance: str
    pid: int


@dataclass(frozen=True, slots=True)
class Ready:
    """A service takes work."""

    instance: str
    url: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A process ended that should run; it is started again after a pause."""

    instance: str
    exit_code: int
    pause_seconds: float


@dataclass(frozen=True, slots=True)
class Wrote:
    """A service wrote a line of its log (JSON, unless it could not log any more)."""

    instance: str
    line: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something worth a line, such as a topic that differs from the topic table."""

    text: str


PlatformEvent = StackProgress | Starting | Ready | Ended | Wrote | Noted
OnEvent = Callable[[PlatformEvent], None]


def silent(_event: PlatformEvent) -> None:
    """Hear nothing."""
