"""Named places where a test may kill this process; nothing happens there otherwise.

`GOODWORD_CRASH_AT=name` kills at the first passage, `name:3` at the third.
"""

import os
import signal
from collections.abc import Callable, Mapping

VARIABLE = "GOODWORD_CRASH_AT"

CRASH_POINTS: tuple[str, ...] = (
    "before_commit",
    "after_commit_before_offsets",
    "after_offsets",
    "before_park_commit",
    "after_park_commit_before_offsets",
    "before_release_commit",
    "after_release_commit",
    "before_table_commit",
    "after_table_commit",
    "before_publish",
    "after_publish_before_mark",
    "after_mark",
    "before_due_commit",
    "after_due_commit",
    "before_wake_commit",
    "after_wake_commit",
    "before_upkeep_commit",
)
"""Every point of the kit, so that a test can loop over all of them."""


def armed(environment: Mapping[str, str]) -> Callable[[str], None]:
    """The function behind `crash_point`: a no-op unless `environment` names a point."""
    name, _, nth = environment.get(VARIABLE, "").partition(":")
    if not name:
        return _pass
    passages_left = int(nth or 1)

    def crash_point(point: str) -> None:
        nonlocal passages_left
        if point != name:
            return
        passages_left -= 1
        if passages_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return crash_point


def _pass(_point: str) -> None:
    """Do nothing, which is what production does."""


crash_point: Callable[[str], None] = armed(os.environ)
