"""What a caller hears while the stack comes up."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["jars", "kafka", "postgres", "containers"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of one stage; `fraction` is None while nobody can know, and 1.0 when done."""

    stage: Stage
    fraction: float | None


Report = Callable[[Progress], None]


def silent(_progress: Progress) -> None:
    """Hear nothing."""
