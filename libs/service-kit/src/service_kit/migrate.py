"""Numbered SQL files, each applied once, in order, in its own transaction.

A namespace is one line of numbers: the kit's own tables and a service's do not share numbers.
A database may be newer than this image; it may not be different.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable

import asyncpg
import structlog

log = structlog.stdlib.get_logger(__name__)
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_LOCK = 7_310_583_402
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    namespace  text        NOT NULL,
    number     integer     NOT NULL,
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (namespace, number)
)"""


class MigrationRefused(Exception):
    """The files and the database tell two stories; the message says which file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One SQL file: its place in its namespace's line, and what it does."""

    namespace: str
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Changes when the file's text changes; line endings do not matter."""
        return hashlib.sha256("\n".join(self.sql.splitlines()).encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.namespace} {self.number:04}_{self.name}"


def read_migrations(namespace: str, folder: Traversable) -> tuple[Migration, ...]:
    """The migrations of a folder (a Path, or a package's files), by number.

    Raises MigrationRefused for a name that is not `0001_what_it_does.sql` or a gap in the numbers.
    """
    found = sorted(
        (_read(namespace, file) for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda migration: migration.number,
    )
    for expected, migration in enumerate(found, start=1):
        if migration.number != expected:
            raise MigrationRefused(f"{migration}: the next number is {expected:04}")
    return tuple(found)


def _read(namespace: str, file: Traversable) -> Migration:
    match = _FILE_NAME.fullmatch(file.name)
    if match is None:
        raise MigrationRefused(f"{namespace} {file.name}: name it 0001_what_it_does.sql")
    return Migration(
        namespace=namespace,
        number=int(match[1]),
        name=match[2],
        sql=file.read_text(encoding="utf-8"),
    )


async def migrate(connection: asyncpg.Connection, migrations: Sequence[Migration]) -> int:
    """Apply what is missing and return how many that was.

    Instances that start together take turns. Raises MigrationRefused if an applied file has
    changed; the rest of the line after a migration that fails is not tried.
    """
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK, timeout=300)
    try:
        await connection.execute(_TABLE)
        todo = await missing(connection, migrations)
        for migration in todo:
            await _apply(connection, migration)
            log.info("migration applied", migration=str(migration))
        return len(todo)
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def missing(
    connection: asyncpg.Connection, migrations: Iterable[Migration]
) -> tuple[Migration, ...]:
    """The migrations that this database lacks. Raises MigrationRefused for a changed file."""
    rows = await connection.fetch("SELECT namespace, number, name, checksum FROM schema_migrations")
    applied = {(row["namespace"], row["number"]): row["checksum"] for row in rows}
    lacking = []
    for migration in migrations:
        checksum = applied.get((migration.namespace, migration.number))
        if checksum is None:
            lacking.append(migration)
        elif checksum != migration.checksum:
            raise MigrationRefused(f"{migration} has changed since it was applied; write a new one")
    return tuple(lacking)


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '10s'")
        await connection.execute(migration.sql, timeout=600)
        await connection.execute(
            "INSERT INTO schema_migrations (namespace, number, name, checksum)"
            " VALUES ($1, $2, $3, $4)",
            migration.namespace,
            migration.number,
            migration.name,
            migration.checksum,
        )
