"""Who is killed when: every kind of process in turn, in an order that the seed decides."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import PlatformError
from ..platform import Observer, Running
from .history import Kill

_ALIVE_SECONDS = 60.0
_AGAIN_SECONDS = 0.1
_WORK_SECONDS = 10.0  # so long is waited for work to be in flight, then the kill comes anyway
_LATEST_SECONDS = 1.0  # a kill comes at a random moment within this time after its load began


def plan(kinds: Sequence[str], kills: int, chance: random.Random) -> list[str]:
    """Victims: each kind as often as the others, as far as the number allows."""
    victims: list[str] = []
    while len(victims) < kills:
        turn = list(kinds)
        chance.shuffle(turn)
        victims += turn
    return victims[:kills]


def servers(platform: Running) -> list[str]:
    """The servers that this run started itself, and so may kill."""
    owned = platform.infrastructure
    return [server.name for server in (owned.kafka, owned.postgres) if server is not None]


class NeverBack(PlatformError):
    """What was killed was not brought back."""

    def __init__(self, victim: str) -> None:
        super().__init__(f"{victim} was not brought back within {_ALIVE_SECONDS:.0f} s.")


@dataclass(slots=True)
class Killer:
    """Kills one after another and remembers each."""

    platform: Running
    observer: Observer
    chance: random.Random
    kills: list[Kill] = field(default_factory=list)

    async def kill(self, victim: str) -> None:
        """At a random moment, once the victim lives and has work: SIGKILL. Raises NeverBack."""
        await asyncio.sleep(self.chance.random() * _LATEST_SECONDS)
        await self._until_alive(victim)
        in_flight = await self._work()
        await self.platform.kill(victim)
        self.kills.append(Kill(victim=victim, at=time.monotonic(), in_flight=in_flight))

    async def _work(self) -> bool | None:
        """Wait a while for work to be in flight; whether it was, at the last look."""
        deadline = time.monotonic() + _WORK_SECONDS
        while True:
            in_flight = await self._in_flight()
            if in_flight or time.monotonic() > deadline:
                return in_flight
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _in_flight(self) -> bool | None:
        """Whether a group is behind or a row unpublished; None while nobody can tell."""
        try:
            snapshot = await self.observer.snapshot()
        except PlatformError:
            return None
        return bool(any(snapshot.lag.values())) or any(
            each.number("unpublished") for each in snapshot.instances
        )

    async def _until_alive(self, victim: str) -> None:
        deadline = time.monotonic() + _ALIVE_SECONDS
        while not self._alive(victim):
            if time.monotonic() > deadline:
                raise NeverBack(victim)
            await asyncio.sleep(_AGAIN_SECONDS)

    def _alive(self, victim: str) -> bool:
        instances = self.platform.services.get(victim)
        if instances is not None:
            return instances[0].pid is not None
        infrastructure = self.platform.infrastructure
        server = infrastructure.kafka if victim == "kafka" else infrastructure.postgres
        return server is not None and server.alive
