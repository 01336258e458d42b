"""One database a service, created when it is missing. Tables are the services' own business."""

from collections.abc import Iterable

import asyncpg

_DUPLICATE = (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError)


async def create_databases(admin_url: str, names: Iterable[str]) -> list[str]:
    """Create those that are missing; returns them."""
    connection = await asyncpg.connect(admin_url, timeout=10)
    try:
        rows = await connection.fetch("SELECT datname FROM pg_database")
        missing = sorted(set(names) - {row["datname"] for row in rows})
        for name in missing:
            await _create(connection, name)
        return missing
    finally:
        await connection.close()


async def _create(connection: asyncpg.Connection, name: str) -> None:
    quoted = name.replace('"', '""')
    try:
        await connection.execute(f'CREATE DATABASE "{quoted}"')
    except _DUPLICATE:
        return  # another run on the same server was quicker


def database_name(prefix: str, name: str) -> str:
    """The database of a service in an install that shares its server with others."""
    return "".join(c if c.isalnum() else "_" for c in prefix) + name
