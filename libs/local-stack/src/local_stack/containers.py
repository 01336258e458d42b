"""The same servers as containers, where an engine runs and is asked for. Never tried here."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from .errors import Unreachable
from .infrastructure import Infrastructure
from .kafka_settings import FIXED
from .ports import LOOPBACK, free_port
from .postgres import SETTINGS
from .progress import Progress, Report
from .ready import Answers, kafka_answers, postgres_answers, wait_for

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
READY_SECONDS = 120.0


@asynccontextmanager
async def containers(
    *, kafka: str | None, postgres: str | None, report: Report
) -> AsyncIterator[Infrastructure]:
    """Start what is not given. Raises `Unreachable` when a container does not come up."""
    report(Progress("containers", None))
    async with AsyncExitStack() as stack:
        both = Infrastructure(
            kafka_bootstrap=kafka or await _kafka(stack),
            postgres_url=postgres or await _postgres(stack),
        )
        await _ready(both)
        report(Progress("containers", 1.0))
        yield both


async def engine_answers() -> bool:
    """Whether a container engine answers; warns when not, for it was asked for."""
    answers = await asyncio.to_thread(_ping)
    if not answers:
        warnings.warn("No container engine answers: running local processes.", stacklevel=2)
    return answers


async def _ready(both: Infrastructure) -> None:
    questions: list[tuple[Answers, str]] = [
        (kafka_answers, both.kafka_bootstrap),
        (postgres_answers, both.admin_url),
    ]
    for answers, url in questions:
        if not await wait_for(answers, url, timeout_seconds=READY_SECONDS):
            raise Unreachable(variable="GOODWORD_STACK=containers", address=url)


async def _kafka(stack: AsyncExitStack) -> str:
    # The broker must know its address before it starts, hence a port chosen by us.
    port = free_port()
    await _run(stack, image=KAFKA_IMAGE, inside=9092, outside=port, settings=kafka_variables(port))
    return f"{LOOPBACK}:{port}"


async def _postgres(stack: AsyncExitStack) -> str:
    port = free_port()
    variables = {"POSTGRES_HOST_AUTH_METHOD": "trust"}
    command = ["-c", f"max_connections={SETTINGS['max_connections']}"]
    await _run(
        stack,
        image=POSTGRES_IMAGE,
        inside=5432,
        outside=port,
        settings=variables,
        command=command,
    )
    return f"postgresql://postgres@{LOOPBACK}:{port}"


def kafka_variables(port: int) -> dict[str, str]:
    """The settings of the local broker, as the image of Apache Kafka reads them."""
    changing = {
        "listeners": "PLAINTEXT://0.0.0.0:9092,CONTROLLER://localhost:9093",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.quorum.voters": "1@localhost:9093",
    }
    settings = FIXED | changing
    return {f"KAFKA_{key.replace('.', '_').upper()}": value for key, value in settings.items()}


async def _run(
    stack: AsyncExitStack,
    *,
    image: str,
    inside: int,
    outside: int,
    settings: dict[str, str],
    command: list[str] | None = None,
) -> None:
    # Imported here: Docker's client takes half a second, and few need it.
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415

    container = DockerContainer(image).with_bind_ports(inside, outside)
    for name, value in settings.items():
        container.with_env(name, value)
    if command:
        container.with_command(command)
    stack.push_async_callback(asyncio.to_thread, container.stop)
    await asyncio.to_thread(container.start)


def _ping() -> bool:
    from testcontainers.core.docker_client import DockerClient  # noqa: PLC0415

    try:
        return bool(DockerClient().client.ping())
    except Exception:  # whatever Docker's client raises: there is none to use
        return False
