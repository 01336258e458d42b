"""Deliveries: kept as intent, locked for a decision, saved, woken."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from service_kit.transaction import Transaction

from ..domain.delivery import Delivery, Notice
from .rows import DELIVERY_COLUMNS, NOTICE_COLUMNS, Told, told_of


async def add_notices(tx: Transaction, notices: Sequence[Notice]) -> None:
    """Keep what deliveries tell of, once."""
    await tx.execute(
        """
        INSERT INTO notices
               (ce_source, event_id, event_type, event_at, correlation_id, traceparent, body)
        SELECT ce_source, event_id, event_type, event_at, correlation_id, traceparent, body::jsonb
          FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[],
                      $6::text[], $7::text[])
               AS new (ce_source, event_id, event_type, event_at, correlation_id, traceparent, body)
            ON CONFLICT DO NOTHING
        """,
        [one.source for one in notices],
        [one.event_id for one in notices],
        [one.event_type for one in notices],
        [one.at for one in notices],
        [one.correlation_id for one in notices],
        [one.traceparent for one in notices],
        [json.dumps(one.body, ensure_ascii=False) for one in notices],
    )


async def add(tx: Transaction, deliveries: Sequence[Delivery]) -> set[str]:
    """Keep intents; returns the ids of those that are new."""
    rows = await tx.fetch(
        """
        INSERT INTO deliveries AS d
               (delivery_id, revision, state, subject, channel, template, ce_source, event_id,
                reward_id, conversion_id, market_id, endpoint_id, attempts, next_attempt_at,
                expires_at, digest_at, reason, created_at, changed_at)
        SELECT delivery_id, 1, state, subject, channel, template, ce_source, event_id,
               reward_id, conversion_id, market_id, endpoint_id, 0, next_attempt_at,
               expires_at, digest_at, reason, created_at, created_at
          FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                      $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
                      $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::text[],
                      $16::timestamptz[])
               AS new (delivery_id, state, subject, channel, template, ce_source, event_id,
                       reward_id, conversion_id, market_id, endpoint_id, next_attempt_at,
                       expires_at, digest_at, reason, created_at)
            ON CONFLICT (delivery_id) DO NOTHING
        RETURNING d.delivery_id
        """,
        [one.delivery_id for one in deliveries],
        [one.state for one in deliveries],
        [one.subject for one in deliveries],
        [one.channel for one in deliveries],
        [one.template for one in deliveries],
        [one.source for one in deliveries],
        [one.event_id for one in deliveries],
        [one.reward_id for one in deliveries],
        [one.conversion_id for one in deliveries],
        [one.market_id for one in deliveries],
        [one.endpoint_id for one in deliveries],
        [one.next_attempt_at for one in deliveries],
        [one.expires_at for one in deliveries],
        [one.digest_at for one in deliveries],
        [one.reason for one in deliveries],
        [one.created_at for one in deliveries],
    )
    return {row["delivery_id"] for row in rows}


async def lock_claimed(tx: Transaction, delivery_ids: Sequence[str]) -> list[Told]:
    """Those that were being sent, and what the digests among them carry."""
    return await _locked(
        tx,
        "d.state IN ('due', 'unknown')"
        " AND (d.delivery_id = ANY($1::text[]) OR d.digest_id = ANY($1::text[]))",
        delivery_ids,
    )


async def lock_overdue(tx: Transaction, before: datetime) -> list[Told]:
    """Those whose send window was opened before then and never closed, and what they carry."""
    return await _locked(
        tx,
        """
        d.state = 'due'
        AND (d.sending_since < $1
             OR d.digest_id IN (SELECT delivery_id FROM deliveries WHERE sending_since < $1))
        """,
        before,
    )


async def lock_mails(
    tx: Transaction, waiting: Sequence[str], ended: Collection[tuple[str, str]]
) -> list[Told]:
    """The mails that wait for a contact of the subjects `waiting`, and those to the (subject,
    side) that are `ended`; none that is being sent."""
    return await _locked(
        tx,
        """
        d.state = 'due'
        AND d.channel = 'email'
        AND d.sending_since IS NULL
        AND d.subject = ANY($1::text[] || $2::text[])
        AND ((d.subject = ANY($1::text[]) AND d.reason = 'no_contact')
             OR (d.subject, split_part('/' || d.template, '/', -1))
                IN (SELECT * FROM unnest($2::text[], $3::text[])))
        """,
        waiting,
        [subject for subject, _ in ended],
        [side for _, side in ended],
    )


async def lock_of_endpoints(tx: Transaction, endpoint_ids: Sequence[str]) -> list[Told]:
    """The webhooks of these endpoints that nobody is sending."""
    return await _locked(
        tx,
        "d.state = 'due' AND d.sending_since IS NULL AND d.endpoint_id = ANY($1::text[])",
        endpoint_ids,
    )


async def lock_collected(
    tx: Transaction, subjects: Sequence[str], sides: Sequence[str], times: Sequence[datetime]
) -> list[Told]:
    """What is collected for the digests of these (subject, side, time)."""
    return await _locked(
        tx,
        """
        d.state = 'due'
        AND d.digest_id IS NULL
        AND (d.subject, split_part(d.template, '/', 2), d.digest_at)
            IN (SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[]))
        """,
        subjects,
        sides,
        times,
    )


async def _locked(tx: Transaction, condition: str, *args: object) -> list[Told]:
    rows = await tx.fetch(
        f"""
        SELECT {DELIVERY_COLUMNS}, {NOTICE_COLUMNS}
          FROM deliveries AS d
          JOIN notices AS n ON n.ce_source = d.ce_source AND n.event_id = d.event_id
         WHERE {condition}
         ORDER BY d.delivery_id
           FOR UPDATE OF d
        """,  # noqa: S608 - constants of this module
        *args,
    )
    return [told_of(row) for row in rows]


async def save(tx: Transaction, changed: Sequence[Delivery]) -> None:
    """Keep what was decided of locked deliveries; their send windows close."""
    await tx.execute(
        """
        UPDATE deliveries AS d
           SET revision = new.revision,
               state = new.state,
               language = new.language,
               attempts = new.attempts,
               next_attempt_at = new.next_attempt_at,
               sending_since = NULL,
               digest_id = new.digest_id,
               reason = new.reason,
               changed_at = new.changed_at
          FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::integer[],
                      $6::timestamptz[], $7::text[], $8::text[], $9::timestamptz[])
               AS new (delivery_id, revision, state, language, attempts, next_attempt_at,
                       digest_id, reason, changed_at)
         WHERE d.delivery_id = new.delivery_id
        """,
        [one.delivery_id for one in changed],
        [one.revision for one in changed],
        [one.state for one in changed],
        [one.language for one in changed],
        [one.attempts for one in changed],
        [one.next_attempt_at for one in changed],
        [one.digest_id for one in changed],
        [one.reason for one in changed],
        [one.changed_at for one in changed],
    )


async def wake(tx: Transaction, delivery_ids: Sequence[str], now: datetime) -> None:
    """Let locked mails that wait for a contact be tried at once."""
    await tx.execute(
        """
        UPDATE deliveries
           SET next_attempt_at = $2
         WHERE delivery_id = ANY($1::text[])
           AND next_attempt_at > $2
        """,
        delivery_ids,
        now,
    )
