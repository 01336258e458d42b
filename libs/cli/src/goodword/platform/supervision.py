"""All instances together: started at once, waited for, killed, restarted, stopped in order."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import httpx

from ..errors import PlatformError, ServiceFailed, UnknownService
from .catalogue import stop_waves
from .events import OnEvent, Ready
from .instance import Instance, Program

START_SECONDS = 90.0
STOP_SECONDS = 25.0  # a service gives its requests and its batch 20 s
_ASK_SECONDS = 0.1
_ANSWER_SECONDS = 6.0


class Supervisor:
    """The instances of one run, by service."""

    def __init__(
        self, programs: Iterable[Program], *, on_event: OnEvent, changed: Callable[[], None]
    ) -> None:
        self._say = on_event
        self.services: dict[str, list[Instance]] = {}
        for program in programs:
            instance = Instance(program, on_event=on_event, changed=changed)
            self.services.setdefault(program.service, []).append(instance)

    @property
    def instances(self) -> list[Instance]:
        """All of them."""
        return [instance for several in self.services.values() for instance in several]

    def start(self) -> None:
        """Start all at once: a service waits by itself for what it needs."""
        for instance in self.instances:
            instance.start()

    async def ready(self, deadline_seconds: float = START_SECONDS) -> None:
        """Wait until every instance takes work. Raises ServiceFailed for one that will not."""
        deadline = time.monotonic() + deadline_seconds
        try:
            async with _client() as client, asyncio.TaskGroup() as group:
                for instance in self.instances:
                    group.create_task(self._until_ready(client, instance, deadline))
        except* ServiceFailed as failures:
            raise failures.exceptions[0] from None

    async def kill(self, service: str, ordinal: int = 0) -> None:
        """SIGKILL one instance; it is started again after a pause."""
        await self.find(service, ordinal).kill()

    async def restart(
        self, service: str, ordinal: int = 0, once: Mapping[str, str] | None = None
    ) -> None:
        """Stop one instance cleanly and start it again. Raises ServiceFailed if it is not ready.

        `once` is added to the environment of that one start.
        """
        instance = self.find(service, ordinal)
        await instance.end_and_start(STOP_SECONDS, once)
        async with _client() as client:
            await self._until_ready(client, instance, time.monotonic() + START_SECONDS)

    async def stop(self) -> None:
        """Stop all: first who takes work in, last who is asked by others."""
        for wave in stop_waves(list(self.services)):
            await self._together(
                [instance for name in wave for instance in self.services[name]], STOP_SECONDS
            )

    def hasten(self) -> None:
        """SIGKILL everything that still runs; for an impatient second Ctrl-C."""
        for instance in self.instances:
            instance.hasten()

    def find(self, service: str, ordinal: int) -> Instance:
        """One instance. Raises PlatformError when it is not part of this run."""
        if service not in self.services:
            raise UnknownService(service, self.services)
        if not 0 <= ordinal < len(self.services[service]):
            raise PlatformError(f"{service} has no instance {ordinal} in this run.")
        return self.services[service][ordinal]

    async def _together(self, instances: Sequence[Instance], patience_seconds: float) -> None:
        await asyncio.gather(*(instance.stop(patience_seconds) for instance in instances))

    async def _until_ready(
        self, client: httpx.AsyncClient, instance: Instance, deadline: float
    ) -> None:
        readiness = Readiness(reasons=["it did not answer"])
        while not readiness.ready:
            if instance.gave_up is not None:
                raise _failed(instance, instance.gave_up)
            if time.monotonic() > deadline:
                raise _failed(instance, f"it is not ready: {', '.join(readiness.reasons)}")
            await asyncio.sleep(_ASK_SECONDS)
            readiness = await ask_readiness(client, instance.url)
        instance.was_ready = True
        self._say(Ready(instance.name, instance.url))


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=_ANSWER_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether an instance takes work, and if not, why."""

    ready: bool = False
    reasons: Sequence[str] = ()


async def ask_readiness(client: httpx.AsyncClient, url: str) -> Readiness:
    """What `/health/ready` says; a process that does not answer is not ready."""
    try:
        answer = await client.get(f"{url}/health/ready")
        document: Mapping[str, object] = answer.json()
        reasons = document.get("reasons")
    except (httpx.HTTPError, ValueError) as error:
        return Readiness(reasons=[f"it does not answer ({type(error).__name__})"])
    told = [str(reason) for reason in reasons] if isinstance(reasons, list) else []
    return Readiness(ready=answer.status_code == httpx.codes.OK, reasons=told)


def _failed(instance: Instance, reason: str) -> ServiceFailed:
    return ServiceFailed(
        name=instance.name, reason=reason, log=instance.program.log, tail=instance.tail()
    )
