"""The hop of `bare/hop.py` as a service on the kit: the same tables, the same statements.

`python -m benchmarks.kit_hop --kafka … --database … --source PREFIX.web.orders --target …`
"""

import argparse
import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from service_kit.events import Event, of_type
from service_kit.main import main
from service_kit.service import Service
from service_kit.settings import KitSettings
from service_kit.transaction import Transaction
from shared_schemas.event import EventData, Topic
from shared_schemas.events.parked import EventParked, EventReleased
from shared_schemas.table import TopicTable

from .bare.hop import FACTS, LOCK, SAVE


class OrderPlaced(EventData):
    """What comes in."""

    TYPE: ClassVar[str] = "order.placed.v1"
    order_id: str
    note: str


class OrderTaken(OrderPlaced):
    """What follows."""

    TYPE: ClassVar[str] = "order.taken.v1"


def _topic(name: str, key: str, *events: type[EventData], heard_by: tuple[str, ...] = ()) -> Topic:
    return Topic(name=name, about=name, key=key, events=events, heard_by=heard_by)


TOPICS = TopicTable(
    (
        _topic("web.orders", "order_id", OrderPlaced, heard_by=("web",)),
        _topic("web.taken", "order_id", OrderTaken),
        _topic("web.parked", "parked_key", EventParked, EventReleased),
    )
)


async def handle(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
    """Lock, count, save, keep the fact, emit."""
    placed = of_type(events, OrderPlaced)
    rows = await tx.fetch(LOCK, sorted({event.data.order_id for event in placed}))
    seen = {row["key"]: row["seen"] for row in rows}
    newest = {}
    for event in placed:
        key = event.data.order_id
        seen[key] = seen.get(key, 0) + 1
        newest[key] = event.body
        taken = OrderTaken(order_id=key, note=event.data.note)
        tx.emit(taken, cause=event.cause)
    keys = sorted(newest)
    await tx.execute(SAVE, keys, [seen[key] for key in keys], [newest[key] for key in keys])
    await tx.execute(
        FACTS,
        [event.id for event in placed],
        [event.data.order_id for event in placed],
        [event.body for event in placed],
    )


def run() -> None:
    """Parse the arguments and run the service."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("kafka", "database", "source", "target"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = KitSettings(
            operator_token=secrets.token_urlsafe(),
            kafka=arguments.kafka,
            database=arguments.database,
            topic_prefix=arguments.source.removesuffix("web.orders"),
            state_folder=Path(folder),
            port=int(os.environ.get("GOODWORD_PORT", "18765")),
        )
        service = Service(
            name="web",
            topics=TOPICS,
            hears=(OrderPlaced,),
            handle=handle,
            migrations=Path(__file__).parent / "kit_hop_migrations",
        )
        main(service, settings)


if __name__ == "__main__":
    run()
