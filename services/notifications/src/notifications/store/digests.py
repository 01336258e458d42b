"""Up to when each reader's digests have gone: where collecting for one and sending it meet."""

from collections.abc import Collection, Mapping
from datetime import datetime

from service_kit.transaction import Transaction

Reader = tuple[str, str]  # subject and side


async def lock(tx: Transaction, readers: Collection[Reader]) -> dict[Reader, datetime]:
    """The last digest that has gone to each of these readers, locked in key order.

    While it is locked no digest goes, so that what is collected for the next one is in it.
    """
    if not readers:
        return {}
    wanted = sorted(readers)
    rows = await tx.fetch(
        """
        INSERT INTO digests AS d (subject, side, gone_through)
        SELECT subject, side, 'epoch'
          FROM unnest($1::text[], $2::text[]) AS new (subject, side)
         ORDER BY subject, side
            ON CONFLICT (subject, side) DO UPDATE SET gone_through = d.gone_through
        RETURNING d.subject, d.side, d.gone_through
        """,
        [subject for subject, _ in wanted],
        [side for _, side in wanted],
    )
    return {(row["subject"], row["side"]): row["gone_through"] for row in rows}


async def advance(tx: Transaction, gone: Mapping[Reader, datetime]) -> None:
    """The digests of these times go now: what is heard later is collected for later ones."""
    wanted = sorted(gone)
    await tx.execute(
        """
        INSERT INTO digests AS d (subject, side, gone_through)
        SELECT subject, side, gone_through
          FROM unnest($1::text[], $2::text[], $3::timestamptz[])
               AS new (subject, side, gone_through)
         ORDER BY subject, side
            ON CONFLICT (subject, side) DO UPDATE
               SET gone_through = greatest(d.gone_through, excluded.gone_through)
        """,
        [subject for subject, _ in wanted],
        [side for _, side in wanted],
        [gone[reader] for reader in wanted],
    )


async def release_stranded(tx: Transaction) -> None:
    """Mails whose digest has gone without them go by themselves. The lock leaves none; a net."""
    await tx.execute(
        """
        UPDATE deliveries AS d
           SET digest_at = NULL
          FROM (SELECT one.delivery_id
                  FROM deliveries AS one
                  JOIN digests AS gone
                    ON gone.subject = one.subject
                   AND gone.side = split_part(one.template, '/', 2)
                 WHERE one.state = 'due'
                   AND one.digest_id IS NULL
                   AND one.digest_at <= gone.gone_through
                 ORDER BY one.delivery_id
                   FOR UPDATE OF one) AS stranded
         WHERE d.delivery_id = stranded.delivery_id
        """
    )
