"""Deliveries that are due, claimed for sending, and what a sender needs to know of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service_kit.transaction import Transaction
from shared_schemas.sealed import Sealed

from ..domain.delivery import Delivery, Preference, side_of
from .rows import DELIVERY_COLUMNS, NOTICE_COLUMNS, Told, told_of

WEBHOOKS_OF_ONE_ENDPOINT = 4  # in one claim
MAX_DIGEST_ITEMS = 100  # shown in one mail


_RECIPIENTS = """
    SELECT mail.n, p.language AS own_language, m.language AS market_language, m.zone,
           c.known, c.key_id, c.ciphertext, c.language AS contact_language, preferences.email
      FROM unnest($1::text[], $2::boolean[], $3::text[])
           WITH ORDINALITY AS mail (subject, by_mailbox, market_id, n)
      LEFT JOIN participants AS p
        ON p.participant_id = mail.subject
       AND NOT mail.by_mailbox
      LEFT JOIN markets AS m ON m.market_id = coalesce(mail.market_id, p.market_id)
      LEFT JOIN preferences ON preferences.subject = mail.subject
      LEFT JOIN LATERAL (
           SELECT true AS known, one.key_id, one.ciphertext, one.language
             FROM (SELECT key_id, ciphertext, language, NULL::timestamptz AS changed_at
                     FROM contacts
                    WHERE subject = mail.subject
                      AND NOT mail.by_mailbox
                    UNION ALL
                   SELECT contacts.key_id, contacts.ciphertext, contacts.language,
                          identities.changed_at
                     FROM identities
                     JOIN contacts ON contacts.subject = identities.email_hash
                    WHERE identities.customer_id = mail.subject
                      AND identities.linked
                      AND mail.by_mailbox) AS one
            ORDER BY one.key_id IS NULL, one.changed_at DESC, one.key_id
            LIMIT 1
           ) AS c ON true
     ORDER BY mail.n
"""


@dataclass(frozen=True, slots=True)
class Recipient:
    """How a mail's reader is reached: a sealed contact, `forgotten`, or neither (none yet)."""

    sealed: Sealed | None
    forgotten: bool
    languages: tuple[str | None, ...]
    zone: str
    preference: Preference | None


async def pending(tx: Transaction, before: datetime) -> int:
    """How many deliveries are being sent, or are to be tried before then."""
    count: int = await tx.fetchval(
        """
        SELECT count(*)
          FROM deliveries
         WHERE state = 'due'
           AND digest_at IS NULL
           AND (sending_since IS NOT NULL OR next_attempt_at < $1)
        """,
        before,
    )
    return count


async def claim_mail(tx: Transaction, now: datetime, limit: int) -> list[Told]:
    """Open the send window of mails that are due, the longest due first."""
    return await _claimed(
        tx,
        """
        SELECT delivery_id
          FROM deliveries
         WHERE channel = 'email'
           AND state = 'due'
           AND sending_since IS NULL
           AND digest_at IS NULL
           AND next_attempt_at <= $1
         ORDER BY next_attempt_at
         LIMIT $2
           FOR UPDATE SKIP LOCKED
        """,
        now,
        limit,
    )


async def claim_webhooks(
    tx: Transaction, now: datetime, limit: int, busy: Sequence[str]
) -> list[Told]:
    """Open the send window of webhooks: few of each endpoint, none of those that are busy."""
    return await _claimed(
        tx,
        """
        SELECT few.delivery_id
          FROM endpoints AS e
         CROSS JOIN LATERAL (
               SELECT delivery_id
                 FROM deliveries
                WHERE endpoint_id = e.endpoint_id
                  AND state = 'due'
                  AND sending_since IS NULL
                  AND next_attempt_at <= $1
                ORDER BY next_attempt_at
                LIMIT $4
                  FOR UPDATE SKIP LOCKED
               ) AS few
         WHERE e.disabled_at IS NULL
           AND e.endpoint_id <> ALL($3::text[])
         LIMIT $2
        """,
        now,
        limit,
        list(busy),
        WEBHOOKS_OF_ONE_ENDPOINT,
    )


async def _claimed(tx: Transaction, chosen: str, now: datetime, *args: object) -> list[Told]:
    rows = await tx.fetch(
        f"""
        WITH chosen AS MATERIALIZED ({chosen})
        UPDATE deliveries AS d
           SET sending_since = $1
          FROM chosen, notices AS n
         WHERE d.delivery_id = chosen.delivery_id
           AND n.ce_source = d.ce_source
           AND n.event_id = d.event_id
        RETURNING {DELIVERY_COLUMNS}, {NOTICE_COLUMNS}
        """,  # noqa: S608 - constants of this module
        now,
        *args,
    )
    return [told_of(row) for row in rows]


async def recipients(tx: Transaction, mails: Sequence[Delivery]) -> list[Recipient]:
    """Who reads each of these mails, in their order.

    A participant has a contact of its own; a referee is a customer, reached by the mailbox that a
    trusted link named; ids of the two never stand for each other.
    """
    rows = await tx.fetch(
        _RECIPIENTS,
        [mail.subject for mail in mails],
        [side_of(mail.template) == "referee" for mail in mails],
        [mail.market_id for mail in mails],
    )
    return [
        Recipient(
            sealed=Sealed(key_id=row["key_id"], ciphertext=row["ciphertext"])
            if row["key_id"]
            else None,
            forgotten=bool(row["known"]) and row["key_id"] is None,
            languages=(row["own_language"], row["contact_language"], row["market_language"]),
            zone=row["zone"] or "UTC",
            preference=Preference(row["email"]) if row["email"] else None,
        )
        for row in rows
    ]


async def contents(tx: Transaction, digest_ids: Sequence[str]) -> dict[str, list[Told]]:
    """What each digest carries, oldest first, at most MAX_DIGEST_ITEMS."""
    rows = await tx.fetch(
        f"""
        SELECT {DELIVERY_COLUMNS}, {NOTICE_COLUMNS}
          FROM deliveries AS d
          JOIN notices AS n ON n.ce_source = d.ce_source AND n.event_id = d.event_id
         WHERE d.digest_id = ANY($1::text[])
         ORDER BY d.created_at, d.delivery_id
        """,  # noqa: S608 - constants of this module
        digest_ids,
    )
    carried: dict[str, list[Told]] = {digest_id: [] for digest_id in digest_ids}
    for row in rows:
        if len(carried[row["digest_id"]]) < MAX_DIGEST_ITEMS:
            carried[row["digest_id"]].append(told_of(row))
    return carried
