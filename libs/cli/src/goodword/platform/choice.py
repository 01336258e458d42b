"""What to run: which services, how many of each, with which settings and on which ports."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from local_stack.ports import free_port, is_free

from ..errors import PlatformError
from .catalogue import ALL, PREFIX_SETTING, SERVICES, Extra, row

MAIL = "mail"
MOST_INSTANCES = 16


@dataclass(frozen=True, slots=True)
class Choice:
    """What to run: how many instances of which service, and further settings by service name.

    A `GOODWORD_TOPIC_PREFIX` among the settings of `all` also names topics and databases.
    """

    counts: Mapping[str, int]
    extra: Extra

    @classmethod
    def of(
        cls,
        only: Iterable[str] | None = None,
        without: Iterable[str] = (),
        scale: Mapping[str, int] | None = None,
        extra: Extra | None = None,
    ) -> "Choice":
        """All services, or those of `only`, less those of `without`. Raises PlatformError."""
        _check_extra(extra or {})
        return cls(_counts(only, tuple(without), scale or {}), extra or {})

    @property
    def topic_prefix(self) -> str:
        """What stands before every topic and consumer group."""
        return self.extra.get(ALL, {}).get(PREFIX_SETTING, "")


def _counts(
    only: Iterable[str] | None, without: Iterable[str], scale: Mapping[str, int]
) -> dict[str, int]:
    """How many instances of which service, in the table's order."""
    wanted = set(SERVICES) if not only else set(only)
    for name in (*wanted, *without, *scale):
        row(name)
    chosen = [name for name in SERVICES if name in wanted and name not in set(without)]
    counts = {name: scale.get(name, 1) for name in chosen}
    for name, count in counts.items():
        if not 1 <= count <= MOST_INSTANCES:
            raise PlatformError(f"{name} can have 1 to {MOST_INSTANCES} instances, not {count}.")
    if not counts:
        raise PlatformError("No service is left to start.")
    return counts


def choose_ports(before: Mapping[str, int], counts: Mapping[str, int]) -> dict[str, int]:
    """A port for every instance and the mailbox: that of the last run if it is still free.

    Services that are left out have one too, so that what points to them stays the same.
    """
    wanted = [f"{name}-{i}" for name in SERVICES for i in range(counts.get(name, 1))] + [MAIL]
    ports = {name: port for name, port in before.items() if name not in wanted or is_free(port)}
    for name in wanted:
        if name not in ports:
            ports[name] = free_port(besides=frozenset(ports.values()))
    return ports


def _check_extra(extra: Extra) -> None:
    """Settings for a service that there is not would be given to nobody."""
    for name in extra:
        if name != ALL:
            row(name)
