"""Due rows whose handler failed: shown and decided about like parked events."""

from typing import TYPE_CHECKING

import asyncpg

from .problems import Rejected

if TYPE_CHECKING:
    from .runtime import AnyRuntime

_SEPARATOR = "/"


class DueRowNotParked(Rejected):
    """No parked due row has this identity."""

    status = 404
    title = "No such parked due row"


def source(runtime: "AnyRuntime") -> str:
    """The source under which due rows are listed beside events."""
    return f"{runtime.service.name}/due"


async def parked(runtime: "AnyRuntime", limit: int) -> list[dict[str, object]]:
    """The parked due rows; their id is `kind/subject`."""
    rows = await runtime.pool.fetch(
        """
        SELECT kind, subject, due_at, parked_reason FROM kit.due
         WHERE parked_reason IS NOT NULL
         ORDER BY due_at
         LIMIT $1
        """,
        limit,
    )
    return [
        {
            "source": source(runtime),
            "id": row["kind"] + _SEPARATOR + row["subject"],
            "time": row["due_at"].isoformat(),
            "state": "parked",
            "reason": "due_failed",
            "detail": row["parked_reason"],
        }
        for row in rows
    ]


async def decide(runtime: "AnyRuntime", row_id: str, *, apply: bool) -> str:
    """Let a subject's parked rows of a kind fire again, or give them up. Raises DueRowNotParked."""
    kind, _, subject = row_id.partition(_SEPARATOR)
    done = await runtime.pool.fetch(
        """
        UPDATE kit.due
           SET parked_reason = NULL, done_at = CASE WHEN $3 THEN NULL ELSE now() END
         WHERE kind = $1 AND subject = $2 AND parked_reason IS NOT NULL
        RETURNING due_at
        """,
        kind,
        subject,
        apply,
    )
    if not done:
        raise DueRowNotParked(row_id)
    runtime.due_written.set()
    return "due" if apply else "discarded"


async def count(connection: asyncpg.Connection) -> int:
    """How many due rows are parked."""
    found: int = await connection.fetchval(
        "SELECT count(*) FROM kit.due WHERE parked_reason IS NOT NULL"
    )
    return found
