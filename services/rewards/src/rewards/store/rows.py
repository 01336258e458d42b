"""Writes many rows of one table in one statement: a column is an array, `unnest` makes them rows.

Rows go in the order of their key, so that two writers never wait for each other in a circle.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from service_kit.transaction import Transaction


class Rows(Struct, frozen=True):
    """The columns of a table that are written, with their types; the first `keys` are its key."""

    table: str
    columns: Mapping[str, str]
    keys: int = 1

    async def add(self, tx: Transaction, rows: Sequence[Sequence[object]]) -> None:
        """Add rows that cannot be there (COPY, the cheapest way). Raises if one is."""
        if rows:
            await tx.connection.copy_records_to_table(
                self.table, records=rows, columns=list(self.columns)
            )

    async def insert_returning(self, tx: Transaction, rows: Sequence[Sequence[object]]) -> set[str]:
        """Add rows that are not there, and say which (by the first column of their key)."""
        if not rows:
            return set()
        sql = f"{self._insert()} ON CONFLICT DO NOTHING RETURNING {next(iter(self.columns))}"
        return {row[0] for row in await tx.fetch(sql, *_arrays(rows))}

    async def upsert(self, tx: Transaction, rows: Sequence[Sequence[object]]) -> None:
        """Add rows, or set all columns of those that are there."""
        if not rows:
            return
        names = list(self.columns)
        changes = ", ".join(f'"{name}" = excluded."{name}"' for name in names[self.keys :])
        sql = f"{self._insert()} ON CONFLICT ({self._key()}) DO UPDATE SET {changes}"
        await tx.execute(sql, *_arrays(rows))

    async def update(self, tx: Transaction, rows: Sequence[Sequence[object]]) -> None:
        """Set all columns of rows that are there."""
        if not rows:
            return
        names = list(self.columns)
        changes = ", ".join(f'"{name}" = new."{name}"' for name in names[self.keys :])
        match = " AND ".join(f'old."{name}" = new."{name}"' for name in names[: self.keys])
        sql = f"UPDATE {self.table} AS old SET {changes} FROM {self._source()} WHERE {match}"  # noqa: S608, names are constants
        await tx.execute(sql, *_arrays(rows))

    def _insert(self) -> str:
        names = ", ".join(f'"{name}"' for name in self.columns)
        return (
            f"INSERT INTO {self.table} ({names}) SELECT {names} FROM {self._source()}"  # noqa: S608, names are constants
            f" ORDER BY {self._key()}"
        )

    def _source(self) -> str:
        places = ", ".join(f"${n}::{type_}[]" for n, type_ in enumerate(self.columns.values(), 1))
        names = ", ".join(f'"{name}"' for name in self.columns)
        return f"unnest({places}) AS new ({names})"

    def _key(self) -> str:
        return ", ".join(f'"{name}"' for name in list(self.columns)[: self.keys])


def _arrays(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
