"""The whole platform for as long as a block lasts: stack, topics, databases, mail, services."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from local_stack import Infrastructure, provide

from .catalogue import (
    SERVICES,
    Extra,
    Place,
    Surroundings,
    environment,
    process_command,
    process_environment,
)
from .choice import MAIL, Choice, choose_ports
from .databases import create_databases, database_name
from .events import Noted, OnEvent, StackProgress, silent
from .install import Secrets, load_keys, load_secrets
from .instance import Instance, Program, fresh_log
from .mail import MailSink
from .observing import Observer
from .record import Recorded, Run, end_leftovers, held, read_run, this_process, write_run
from .servers import Servers, check_server
from .status import Status
from .supervision import Supervisor
from .topics import create_topics, differences


class Running:
    """A platform that runs. `services` are its instances by service name."""

    def __init__(
        self,
        state: Path,
        infrastructure: Infrastructure,
        choice: Choice,
        ports: Mapping[str, int],
    ) -> None:
        self.state = state
        self.infrastructure = infrastructure
        self.secrets: Secrets = load_secrets(state)
        self.mail = MailSink(state / "mail")
        self._choice = choice
        self._ports = ports
        self._servers: Servers
        self._supervisor: Supervisor
        self._observer: Observer

    @property
    def services(self) -> dict[str, list[Instance]]:
        """The instances of each service, by its name."""
        return self._supervisor.services

    @property
    def keys(self) -> dict[str, str]:
        """The raw API keys that `goodword apply` was given, by key id."""
        return load_keys(self.state)

    @property
    def topic_prefix(self) -> str:
        """What stands before every topic and consumer group."""
        return self._choice.topic_prefix

    def url(self, service: str, ordinal: int = 0) -> str:
        """Where an instance answers. Raises UnknownService."""
        return self._supervisor.find(service, ordinal).url

    def log(self, service: str, ordinal: int = 0) -> Path:
        """The log of an instance in this run, whole lines of JSON."""
        return self._supervisor.find(service, ordinal).program.log

    async def status(self, horizon_seconds: float = 0) -> Status:
        """As `goodword status`."""
        return await self._observer.status(horizon_seconds)

    async def settled(self, deadline_seconds: float, horizon_seconds: float = 0) -> Status:
        """Wait until no work is in flight or due within the horizon. Raises NotSettled."""
        return await self._observer.settled(deadline_seconds, horizon_seconds)

    async def kill(self, name: str, ordinal: int = 0) -> None:
        """SIGKILL an instance of a service, or `kafka` or `postgres`; it is brought back."""
        if name in SERVICES:
            await self._supervisor.kill(name, ordinal)
        else:
            check_server(self._servers, name)
            await self._servers.kill(name)

    async def restart(
        self, name: str, ordinal: int = 0, once: Mapping[str, str] | None = None
    ) -> None:
        """Stop one cleanly and start it again; returns when it takes work.

        A service is given `once` beside its environment at that one start, as a crash test needs.
        """
        if name in SERVICES:
            await self._supervisor.restart(name, ordinal, once)
        else:
            check_server(self._servers, name)
            await self._servers.restart(name)

    def hasten(self) -> None:
        """Do not wait for clean ends any more."""
        self._supervisor.hasten()

    def record(self) -> None:
        """Write down what runs now, for other processes."""
        write_run(self.state, self.recorded())

    def recorded(self) -> Run:
        """What runs now."""
        instances = tuple(
            Recorded(
                service=instance.service,
                ordinal=instance.program.ordinal,
                url=instance.url,
                process=instance.process,
            )
            for instance in self._supervisor.instances
        )
        return Run(
            supervisor=this_process(),
            kafka=self.infrastructure.kafka_bootstrap,
            postgres=self.infrastructure.postgres_url,
            topic_prefix=self.topic_prefix,
            mail_url=self.mail.url,
            instances=instances,
            ports=self._ports,
        )

    @asynccontextmanager
    async def _started(self, servers: Servers, on_event: OnEvent) -> AsyncIterator["Running"]:
        """Everything beside the stack, in order; ended in the opposite one."""
        self._servers = servers
        async with AsyncExitStack() as stack:
            await self._prepare(on_event)
            await stack.enter_async_context(self.mail.listening(self._ports[MAIL]))
            self._supervisor = Supervisor(self._programs(), on_event=on_event, changed=self.record)
            stack.push_async_callback(self._supervisor.stop)
            self._supervisor.start()
            await self._supervisor.ready()
            watching = Observer.watching(self.state, self.recorded)
            self._observer = await stack.enter_async_context(watching)
            yield self

    async def _prepare(self, on_event: OnEvent) -> None:
        """Topics and databases, created if missing."""
        kafka, prefix = self.infrastructure.kafka_bootstrap, self.topic_prefix
        await create_topics(kafka, prefix)
        for difference in await differences(kafka, prefix):
            on_event(Noted(f"topic {difference}"))
        rows = [SERVICES[name] for name in self._choice.counts]
        await create_databases(
            self.infrastructure.admin_url,
            [database_name(prefix, row.database_name) for row in rows if row.database],
        )

    def _programs(self) -> list[Program]:
        counts, prefix = self._choice.counts, self.topic_prefix
        around = Surroundings(
            kafka=self.infrastructure.kafka_bootstrap,
            database_url=lambda name: self.infrastructure.database_url(database_name(prefix, name)),
            urls={name: f"http://127.0.0.1:{self._ports[f'{name}-0']}" for name in SERVICES},
            running=frozenset(counts),
            smtp_url=self.mail.url,
            secrets=self.secrets,
            extra=self._choice.extra,
        )
        return [
            self._program(name, ordinal, around)
            for name, count in counts.items()
            for ordinal in range(count)
        ]

    def _program(self, name: str, ordinal: int, around: Surroundings) -> Program:
        instance = f"{name}-{ordinal}"
        folder = self.state / "services" / instance
        place = Place(ordinal=ordinal, port=self._ports[instance], folder=folder)
        return Program(
            service=name,
            ordinal=ordinal,
            port=place.port,
            command=process_command(SERVICES[name]),
            environment=process_environment(environment(SERVICES[name], around, place)),
            folder=folder,
            log=fresh_log(self.state / "logs" / f"{instance}.log"),
        )


@asynccontextmanager
async def running(
    state: Path,
    *,
    only: Iterable[str] | None = None,
    without: Iterable[str] = (),
    scale: Mapping[str, int] | None = None,
    environment_extra: Extra | None = None,
    on_event: OnEvent = silent,
) -> AsyncIterator[Running]:
    """Start everything, yield when every service takes work, stop everything in order.

    Kafka and PostgreSQL too, unless the environment names some. The choice of services is
    `Choice.of`'s. Raises PlatformError and StackError, whose messages say what to do.
    """
    choice = Choice.of(only, without, scale, environment_extra)
    state = absolute(state)
    async with AsyncExitStack() as stack:
        ports = stack.enter_context(_taken(state, choice))
        for leftover in await end_leftovers(state):
            on_event(Noted(f"{leftover.name} of an earlier run was stopped"))
        write_run(state, Run(supervisor=this_process(), ports=ports))
        infrastructure = await stack.enter_async_context(
            provide(state, on_progress=lambda progress: on_event(StackProgress(progress)))
        )
        servers = Servers(infrastructure, on_event)
        await stack.enter_async_context(servers.kept_running())
        platform = Running(state, infrastructure, choice, ports)
        yield await stack.enter_async_context(platform._started(servers, on_event))


@asynccontextmanager
async def running_on(
    infrastructure: Infrastructure,
    state: Path,
    choice: Choice,
    on_event: OnEvent = silent,
) -> AsyncIterator[Running]:
    """The same on servers that somebody else started, and stops; for tests that share a stack."""
    state = absolute(state)
    async with AsyncExitStack() as stack:
        ports = stack.enter_context(_taken(state, choice))
        await end_leftovers(state)
        platform = Running(state, infrastructure, choice, ports)
        yield await stack.enter_async_context(platform._started(Servers(None, on_event), on_event))


@contextmanager
def _taken(state: Path, choice: Choice) -> Iterator[dict[str, int]]:
    """Hold the folder; gives the ports, which are remembered for the next run."""
    with held(state):
        ports = choose_ports(read_run(state).ports, choice.counts)
        try:
            yield ports
        finally:
            write_run(state, Run(ports=ports))


def absolute(path: Path) -> Path:
    """The folder, wherever this process goes afterwards."""
    return path.absolute()
