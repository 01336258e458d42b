"""Deliveries and notices as rows."""

import json

import asyncpg
from shared_schemas.states import MessageState
from shared_schemas.words import Channel

from ..domain.delivery import Delivery, Notice

DELIVERY_COLUMNS = """
    d.delivery_id, d.revision, d.state, d.subject, d.channel, d.template, d.ce_source, d.event_id,
    d.reward_id, d.conversion_id, d.market_id, d.language, d.endpoint_id, d.attempts,
    d.next_attempt_at, d.expires_at, d.digest_at, d.digest_id, d.reason, d.created_at, d.changed_at
"""
Told = tuple[Delivery, Notice]
NOTICE_COLUMNS = "n.event_type, n.event_at, n.correlation_id, n.traceparent, n.body"


def delivery_of(row: asyncpg.Record) -> Delivery:
    """A delivery from a row with DELIVERY_COLUMNS."""
    return Delivery(
        delivery_id=row["delivery_id"],
        revision=row["revision"],
        state=MessageState(row["state"]),
        subject=row["subject"],
        channel=Channel(row["channel"]),
        template=row["template"],
        source=row["ce_source"],
        event_id=row["event_id"],
        reward_id=row["reward_id"],
        conversion_id=row["conversion_id"],
        market_id=row["market_id"],
        language=row["language"],
        endpoint_id=row["endpoint_id"],
        attempts=row["attempts"],
        next_attempt_at=row["next_attempt_at"],
        expires_at=row["expires_at"],
        digest_at=row["digest_at"],
        digest_id=row["digest_id"],
        reason=row["reason"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )


def notice_of(row: asyncpg.Record) -> Notice:
    """A notice from a row with NOTICE_COLUMNS, ce_source and event_id."""
    return Notice(
        source=row["ce_source"],
        event_id=row["event_id"],
        event_type=row["event_type"],
        at=row["event_at"],
        correlation_id=row["correlation_id"],
        traceparent=row["traceparent"],
        body=json.loads(row["body"]),
    )


def told_of(row: asyncpg.Record) -> Told:
    """A delivery and what it tells of, from a row with both sets of columns."""
    return delivery_of(row), notice_of(row)
