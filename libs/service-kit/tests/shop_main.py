"""Runs the sample service as a process, with a route that places an order and a loop that ticks."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from dataclasses import dataclass

from litestar import post
from service_kit.environment import load_settings
from service_kit.events import Cause
from service_kit.main import main
from service_kit.runtime import Runtime
from service_kit.settings import KitSettings
from shop import OrderTaken, shop


@dataclass
class Wish:
    order_id: str


def routes(runtime: Runtime[KitSettings]):
    """`POST /orders` emits in a transaction and answers after the commit."""

    @post("/orders")
    async def take(data: Wish) -> dict[str, str]:
        cause = Cause.of_request("shop", data.order_id, runtime.now())
        async with runtime.transaction() as tx:
            return {"event_id": tx.emit(OrderTaken(order_id=data.order_id), cause=cause)}

    return [take]


ticked: list[bool] = []


async def tick(_runtime: Runtime[KitSettings], stop: asyncio.Event) -> None:
    """A loop that fails at first and is begun again."""
    if not ticked:
        ticked.append(True)
        raise ValueError("the first tick fails")
    await stop.wait()


if __name__ == "__main__":
    main(shop(routes=routes, loops={"tick": tick}), load_settings(KitSettings))
