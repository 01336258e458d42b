"""Kafka and PostgreSQL for `make image-test`: `image_stack.py FOLDER SERVICE...`.

Uses the servers of the environment, or starts local ones in FOLDER. Writes for each service
FOLDER/<service>.env, one NAME=value a line, as docker-compose.yml says it with these addresses;
says "ready" and stays until its input ends; then drops its topics and databases.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

import asyncpg
import yaml
from goodword.platform.databases import create_databases, database_name
from goodword.platform.install import Secrets
from goodword.platform.topics import administering
from local_stack import Infrastructure, provide
from local_stack.ports import free_port

COMPOSE = Path(__file__).parents[1] / "docker-compose.yml"
TOPICS = "topics"  # the compose service that creates them, once
SECRETS = Secrets.random()
VARIABLE = re.compile(r"\$\{(\w+)(?::\?|:-([^}]*))\}")


def environment(name: str, given: dict[str, str]) -> dict[str, str]:
    """What the compose file gives a service, its variables filled in; `given` has the last word."""
    stated: dict[str, str] = yaml.safe_load(COMPOSE.read_text())["services"][name]["environment"]
    filled = {
        variable: VARIABLE.sub(lambda found: given.get(found[1]) or found[2] or "", value)
        for variable, value in stated.items()
    }
    return {variable: given.get(variable, value) for variable, value in filled.items()}


def given_to(name: str, servers: Infrastructure, prefix: str) -> dict[str, str]:
    """Addresses of this machine, in place of those of the compose network."""
    secrets = {f"GOODWORD_{field.upper()}": value for field, value in asdict(SECRETS).items()}
    return secrets | {
        "GOODWORD_HOST": "127.0.0.1",
        "GOODWORD_PORT": str(free_port()),
        "GOODWORD_KAFKA": servers.kafka_bootstrap,
        "GOODWORD_DATABASE": servers.database_url(database_name(prefix, name)),
        "GOODWORD_OTLP_ENDPOINT": "",
    }


@asynccontextmanager
async def databases(servers: Infrastructure, names: Sequence[str]) -> AsyncIterator[None]:
    """Databases of these names, dropped at the end."""
    await create_databases(servers.admin_url, names)
    try:
        yield
    finally:
        connection = await asyncpg.connect(servers.admin_url)
        for name in names:
            await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()


@asynccontextmanager
async def topics(kafka: str, prefix: str) -> AsyncIterator[None]:
    """Topics under a prefix, whoever makes them; deleted at the end."""
    try:
        yield
    finally:
        async with administering(kafka) as admin:
            ours = [name for name in await admin.list_topics() if name.startswith(prefix)]
            if ours:
                await admin.delete_topics(ours)


async def main(folder: Path, services: Sequence[str]) -> None:
    """Until the input ends."""
    prefix = f"image{uuid4().hex[:8]}."
    names = [database_name(prefix, name) for name in services]
    async with (
        provide(folder / "stack") as servers,
        databases(servers, names),
        topics(servers.kafka_bootstrap, prefix),
    ):
        for name in (TOPICS, *services):
            stated = environment(name, given_to(name, servers, prefix))
            lines = [f"{key}={value}\n" for key, value in stated.items() if value]
            lines.append(f"GOODWORD_TOPIC_PREFIX={prefix}\n")
            (folder / f"{name}.env").write_text("".join(lines))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
