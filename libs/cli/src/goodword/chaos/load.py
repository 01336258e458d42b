"""The clients of a chaos run: orders with touches, refunds, and calls made twice."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from shared_schemas.ids import conversion_id

from ..traffic.shop import TAKEN, Message, Shop, refund, story
from .history import Acknowledged

TOUCHES_MOST: Final = 3
_BATCH_CONVERSIONS = 20
_AT_ONCE = 4
_REFUNDED = 0.05
_CALLED_TWICE = 0.1


@dataclass(slots=True)
class Load:
    """What clients sent, and what they were told is taken."""

    shop: Shop
    tokens: Sequence[str]
    run: str
    chance: random.Random
    acknowledged: list[Acknowledged] = field(default_factory=list)
    sent: int = 0

    async def conversions(self, count: int) -> None:
        """So many conversions with their touches; returns once all are acknowledged."""
        names = [f"{self.run}-{self.sent + n}" for n in range(count)]
        self.sent += count
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(some: Sequence[str]) -> None:
            async with turn:
                await self._batch(some)

        async with asyncio.TaskGroup() as group:
            for start in range(0, count, _BATCH_CONVERSIONS):
                group.create_task(one(names[start : start + _BATCH_CONVERSIONS]))

    async def _batch(self, names: Sequence[str]) -> None:
        """Stories in one call, some calls twice; then the refunds of some."""
        messages = [message for name in names for message in self._story(name)]
        await self._taken(messages)
        if self.chance.random() < _CALLED_TWICE:
            await self._taken(messages)
        refunds = [refund(name) for name in names if self.chance.random() < _REFUNDED]
        if refunds:
            await self._taken(refunds)

    def _story(self, name: str) -> list[Message]:
        """Touched by up to three links, or by none: then nobody is credited."""
        tokens = self.chance.sample(self.tokens, self.chance.randint(0, TOUCHES_MOST))
        return story(name, tokens, self.chance)

    async def _taken(self, messages: Sequence[Message]) -> None:
        results = await self.shop.send(messages)
        for message in messages:
            told = results.get(message["messageId"])
            if told is None or told["result"] not in TAKEN:
                raise AssertionError(f"{message['messageId']} was answered {told}")
            order = message["properties"]["order_id"] if _is_order(message) else None
            self.acknowledged.append(
                Acknowledged(
                    event_id=told["event_id"],
                    conversion_id=conversion_id("sale", order) if order else None,
                )
            )


def _is_order(message: Message) -> bool:
    return bool(message.get("event") == "Order Completed")
