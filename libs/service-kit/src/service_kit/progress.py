"""How far each partition that the service hears is consumed, which is what due work waits for."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

import asyncpg

from .intake import Delivery, Item
from .transaction import Transaction

EPOCH = datetime.fromtimestamp(0, UTC)
Place = tuple[str, int]
Through = dict[tuple[str, int], datetime]

# Also the fence between two readers of one partition: the second waits here for the first, and
# then finds the first one's inbox rows.
_ADVANCE = """
INSERT INTO kit.progress AS known (topic, partition, consumed_through)
SELECT topic, partition, through
  FROM unnest($1::text[], $2::integer[], $3::timestamptz[]) AS p (topic, partition, through)
 ORDER BY topic, partition
    ON CONFLICT (topic, partition) DO UPDATE
   SET consumed_through = greatest(known.consumed_through, EXCLUDED.consumed_through)
"""


def consumed_through(deliveries: Iterable[Delivery], items: Iterable[Item]) -> Through:
    """The time up to which a batch consumes each of its partitions.

    An event counts by the earlier of its own time and Kafka's: a clock that runs ahead proves
    nothing about what is still to come, and neither does the time of a republished record.
    """
    through = {(delivery.topic, delivery.partition): EPOCH for delivery in deliveries}
    for item in items:
        place = (item.delivery.topic, item.delivery.partition)
        through[place] = max(through[place], min(item.time, item.delivery.timestamp))
    return through


async def advance(
    connection: Transaction | asyncpg.Connection, through: Mapping[Place, datetime]
) -> None:
    """Note that these partitions are consumed up to these times; it never goes back."""
    await connection.execute(
        _ADVANCE,
        [topic for topic, _ in through],
        [partition for _, partition in through],
        list(through.values()),
    )


async def horizon(connection: asyncpg.Connection, places: Collection[Place]) -> datetime:
    """The time up to which all of these partitions are consumed, whatever else was once known.

    A partition of which nothing is known yet is not consumed at all.
    """
    row = await connection.fetchrow(
        """
        SELECT min(consumed_through) AS through, count(*) AS known
          FROM kit.progress
         WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::integer[]))
        """,
        [topic for topic, _ in places],
        [partition for _, partition in places],
    )
    through: datetime = row["through"]
    return through if row["known"] == len(places) else EPOCH
