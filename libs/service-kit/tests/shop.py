"""A service for the tests of the kit: orders that wait for products, and all that can go wrong."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from service_kit.events import DueRow, Event, of_type
from service_kit.problems import Transient
from service_kit.service import Service
from service_kit.transaction import Transaction
from shared_schemas.event import EventData, Topic
from shared_schemas.events.parked import EventParked, EventReleased
from shared_schemas.table import TopicTable


class OrderPlaced(EventData):
    """`mood` says what its handler makes of it: fine, waits, fails, hangs on the database."""

    TYPE: ClassVar[str] = "order.placed.v1"
    order_id: str
    product: str = "tea"
    mood: str = "fine"
    step: int = 0
    ship_after_seconds: int | None = None


class OrderChanged(EventData):
    """On an ordered topic."""

    TYPE: ClassVar[str] = "order.changed.v1"
    order_id: str
    product: str = "tea"
    mood: str = "fine"
    step: int = 0
    ship_after_seconds: int | None = None


class ProductListed(EventData):
    """On a table topic."""

    TYPE: ClassVar[str] = "product.listed.v1"
    product: str
    revision: int = 1
    mood: str = "fine"


class OrderTaken(EventData):
    """What the shop says of an order."""

    TYPE: ClassVar[str] = "order.taken.v1"
    order_id: str
    step: int = 0


class OrderShipped(EventData):
    """What the shop says when an order's time has come."""

    TYPE: ClassVar[str] = "order.shipped.v1"
    order_id: str


def _topic(name: str, key: str, *events: type[EventData], **more: Any) -> Topic:
    return Topic(name=name, about="", key=key, events=events, heard_by=("shop",), **more)


TOPICS = TopicTable(
    (
        _topic("web.orders", "order_id", OrderPlaced, partitions=2),
        _topic("web.changes", "order_id", OrderChanged, ordered=True, partitions=2),
        _topic("web.products", "product", ProductListed, table=True, partitions=1),
        _topic("shop.orders", "order_id", OrderTaken, OrderShipped, partitions=2),
        _topic("shop.parked", "parked_key", EventParked, EventReleased, partitions=1),
    )
)

broken: set[str] = set()
"""Order ids that cannot be handled at the moment, whatever their mood."""

closed = asyncio.Event()
"""Set while everything fails for a reason that will pass."""

gates: dict[str, asyncio.Event] = {}
"""What the handler waits for, in its transaction, when it comes to an order."""

looks: Counter[str] = Counter()
"""How often an order was looked at."""

failures_left: Counter[str] = Counter()
"""How many more times an order fails before it goes well."""


async def handle(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
    """Note orders whose product is known; wait for the product of the others."""
    orders = of_type(events, OrderPlaced, OrderChanged)
    names = sorted({event.data.product for event in orders})
    rows = await tx.fetch("SELECT product FROM products WHERE product = ANY($1::text[])", names)
    known = {row["product"] for row in rows} | {"tea"}
    taken = []
    for event in orders:
        _look_at(event.data)
        if gate := gates.get(event.data.order_id):
            await gate.wait()
        if event.data.product not in known:
            tx.wait_for(event, "product", event.data.product)
            continue
        taken.append(event)
        taken_order = OrderTaken(order_id=event.data.order_id, step=event.data.step)
        tx.emit(taken_order, cause=event.cause)
        if event.data.ship_after_seconds is not None:
            due_at = event.now + timedelta(seconds=event.data.ship_after_seconds)
            tx.due("ship", event.data.order_id, due_at, cause=event.cause)
    await _save(tx, taken)


def _look_at(data: OrderPlaced | OrderChanged) -> None:
    looks[data.order_id] += 1
    if data.mood == "fails" or data.order_id in broken:
        raise ValueError(f"{data.order_id} cannot be handled")
    if failures_left[data.order_id]:
        failures_left[data.order_id] -= 1
        raise ValueError(f"{data.order_id} fails this time")
    if data.mood == "hangs" or closed.is_set():
        raise Transient("the shop is closed")


async def _save(tx: Transaction, events: Sequence[Event[Any]]) -> None:
    await tx.execute(
        """
        INSERT INTO orders (order_id, event_id, step, times)
        SELECT order_id, event_id, step, 1
          FROM unnest($1::text[], $2::text[], $3::integer[]) AS o (order_id, event_id, step)
            ON CONFLICT (order_id, event_id) DO UPDATE SET times = orders.times + 1
        """,
        [event.data.order_id for event in events],
        [event.id for event in events],
        [event.data.step for event in events],
    )


async def hear_table(tx: Transaction, events: Sequence[Event[EventData]]) -> None:
    """Keep products of higher revision, and say that they are known."""
    for event in of_type(events, ProductListed):
        if event.data.mood == "fails":
            raise ValueError("no such product")
        await tx.execute(
            """
            INSERT INTO products (product, revision) VALUES ($1, $2)
                ON CONFLICT (product) DO UPDATE SET revision = EXCLUDED.revision
             WHERE products.revision < EXCLUDED.revision
            """,
            event.data.product,
            event.data.revision,
        )
        tx.fact("product", event.data.product)


async def ship(tx: Transaction, rows: Sequence[DueRow]) -> None:
    """Say that orders are shipped."""
    for row in rows:
        if row.subject in broken:
            raise ValueError(f"{row.subject} cannot be shipped")
        await tx.execute("INSERT INTO shipped VALUES ($1, $2)", row.subject, row.now)
        tx.emit(OrderShipped(order_id=row.subject), cause=row.cause)


def shop(**changes: Any) -> Service[Any]:
    """The service."""
    parts: dict[str, Any] = {
        "name": "shop",
        "topics": TOPICS,
        "hears": (OrderPlaced, OrderChanged),
        "handle": handle,
        "tables": (ProductListed,),
        "hear_table": hear_table,
        "due": {"ship": ship},
        "migrations": Path(__file__).parent / "shop_migrations",
    }
    return Service(**(parts | changes))
