"""Webhook endpoints: kept for ever, so that their deliveries stay explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from service_kit.transaction import Transaction

from ..domain.delivery import Subscription

_COLUMNS = """
    endpoint_id, url, event_types, description, secret, created_at, created_by,
    disabled_at, disabled_reason
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where webhooks go; `secret` is encrypted."""

    endpoint_id: str
    url: str
    event_types: tuple[str, ...]
    description: str
    secret: bytes
    created_at: datetime
    created_by: str
    disabled_at: datetime | None = None
    disabled_reason: str | None = None


async def add_endpoint(tx: Transaction, endpoint: Endpoint) -> None:
    """Keep a new endpoint."""
    await tx.execute(
        """
        INSERT INTO endpoints
               (endpoint_id, url, event_types, description, secret, created_at, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        endpoint.endpoint_id,
        endpoint.url,
        list(endpoint.event_types),
        endpoint.description,
        endpoint.secret,
        endpoint.created_at,
        endpoint.created_by,
    )


async def disable(
    tx: Transaction, endpoint_ids: Sequence[str], reason: str, now: datetime
) -> list[str]:
    """Send nothing there any more; returns those that were still enabled."""
    rows = await tx.fetch(
        """
        UPDATE endpoints AS e
           SET disabled_at = $3, disabled_reason = $2
          FROM (SELECT endpoint_id
                  FROM endpoints
                 WHERE endpoint_id = ANY($1::text[])
                   AND disabled_at IS NULL
                 ORDER BY endpoint_id
                   FOR NO KEY UPDATE) AS enabled
         WHERE e.endpoint_id = enabled.endpoint_id
        RETURNING e.endpoint_id
        """,
        endpoint_ids,
        reason,
        now,
    )
    return [row["endpoint_id"] for row in rows]


async def endpoints(tx: Transaction, after: str, limit: int) -> list[Endpoint]:
    """Endpoints by id, disabled ones too, in pages."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM endpoints WHERE endpoint_id > $1 ORDER BY 1 LIMIT $2",  # noqa: S608
        after,
        limit,
    )
    return [_endpoint(row) for row in rows]


async def endpoints_by_id(tx: Transaction, endpoint_ids: Sequence[str]) -> dict[str, Endpoint]:
    """Those of the endpoints that are known."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM endpoints WHERE endpoint_id = ANY($1::text[])",  # noqa: S608
        endpoint_ids,
    )
    return {row["endpoint_id"]: _endpoint(row) for row in rows}


async def subscriptions(tx: Transaction) -> list[Subscription]:
    """What all endpoints listen to, or listened to."""
    rows = await tx.fetch(
        """
        SELECT endpoint_id, event_types, created_at, disabled_at
          FROM endpoints
         ORDER BY endpoint_id
        """
    )
    return [
        Subscription(
            row["endpoint_id"],
            frozenset(row["event_types"]),
            row["created_at"],
            row["disabled_at"],
        )
        for row in rows
    ]


def _endpoint(row: asyncpg.Record) -> Endpoint:
    return Endpoint(**(dict(row) | {"event_types": tuple(row["event_types"])}))
