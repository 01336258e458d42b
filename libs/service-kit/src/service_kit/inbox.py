"""The inbox: each (source, id) is let in once, whatever Kafka delivers how often."""

from collections.abc import Sequence
from dataclasses import dataclass

from .intake import Fault, Item
from .transaction import Transaction

_REUSED_ID_CHARACTERS = 180

# `seen` reads every live day, and what is held: that stays where it is, whatever became of its
# inbox row. ON CONFLICT is for what another transaction lets in meanwhile.
_ADMIT = """
WITH incoming AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS i (ce_source, ce_id, body_hash)
), seen AS (
    SELECT ce_source, ce_id, max(body_hash) AS body_hash
      FROM (SELECT ce_source, ce_id, inbox.body_hash
              FROM incoming JOIN kit.inbox USING (ce_source, ce_id)
             UNION ALL
            SELECT ce_source, ce_id, NULL
              FROM incoming JOIN kit.held USING (ce_source, ce_id)) AS known
     GROUP BY ce_source, ce_id
), fresh AS (
    INSERT INTO kit.inbox (day, ce_source, ce_id, body_hash)
    SELECT (now() AT TIME ZONE 'utc')::date, ce_source, ce_id, body_hash
      FROM incoming
     WHERE NOT EXISTS (
           SELECT FROM seen
            WHERE seen.ce_source = incoming.ce_source AND seen.ce_id = incoming.ce_id)
     ORDER BY ce_source, ce_id
    ON CONFLICT DO NOTHING
    RETURNING ce_source, ce_id
)
SELECT ce_source, ce_id, NULL AS body_hash, true AS fresh FROM fresh
 UNION ALL
SELECT ce_source, ce_id, body_hash, false FROM seen
"""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What to take up, in the order delivered; ids reused for another body; how many came again."""

    fresh: list[Item]
    reused: list[Item]
    duplicates: list[Item]


async def admit(tx: Transaction, items: Sequence[Item]) -> Admitted:
    """Let in what was never let in before."""
    first: dict[tuple[str, str], Item] = {}
    for item in items:
        first.setdefault((item.source, item.id), item)
    rows = await tx.fetch(
        _ADMIT,
        [source for source, _ in first],
        [ce_id for _, ce_id in first],
        [item.body_hash for item in first.values()],
    )
    fresh = {(row["ce_source"], row["ce_id"]) for row in rows if row["fresh"]}
    hashes = {(row["ce_source"], row["ce_id"]): row["body_hash"] for row in rows}
    admitted = Admitted([], [], [])
    for item in items:
        identity = (item.source, item.id)
        known_hash = first[identity].body_hash if identity in fresh else hashes.get(identity)
        if first[identity] is item and identity in fresh:
            admitted.fresh.append(item)
        elif known_hash and item.body_hash and known_hash != item.body_hash:
            admitted.reused.append(_reused(item, item.body_hash))
        else:
            admitted.duplicates.append(item)
    return admitted


async def forget(tx: Transaction, items: Sequence[Item]) -> None:
    """Let these in again: they were not taken up after all."""
    if items:
        await tx.execute(
            """
            DELETE FROM kit.inbox
             USING unnest($1::text[], $2::text[]) AS gone (ce_source, ce_id)
             WHERE inbox.ce_source = gone.ce_source AND inbox.ce_id = gone.ce_id
               AND inbox.day >= (now() AT TIME ZONE 'utc')::date - 1
            """,
            [item.source for item in items],
            [item.id for item in items],
        )


def _reused(item: Item, body_hash: str) -> Item:
    """A second body under a known id, parked under an identity of its own."""
    fault = Fault("id_reused", f"{item.id} came before with another body")
    own_id = f"{item.id[:_REUSED_ID_CHARACTERS]}~{body_hash[:12]}"
    return item._replace(id=own_id, event=None, fault=fault)
