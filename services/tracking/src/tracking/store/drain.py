"""Sends what is in the spool to Kafka, in its order. While Kafka is away this is what asks for it:
with one record, and then with the chunk that was under way when it went."""

import asyncio
from collections.abc import Sequence

from service_kit.producer import Record, Unpublishable
from service_kit.waiting import first_of

from .journal import ASK_AGAIN_SECONDS, Journal, Publisher
from .writes import Answers, is_open

_DEADLINE_SECONDS = 10.0  # a send that hangs succeeds when Kafka is back: one is enough for long


async def drain(journal: Journal, publisher: Publisher, stop: asyncio.Event) -> None:
    """Send whatever is spooled, until told to stop."""
    spool = journal.spool
    while not stop.is_set():
        await first_of(stop, spool.filled)
        chunk = await spool.head(most_records=1 if journal.is_away else None)
        if chunk is None:
            continue
        refused = await _send(chunk.records, journal, publisher, stop)
        if refused is not None:
            await spool.forget(chunk, refused)


async def _send(
    records: Sequence[Record], journal: Journal, publisher: Publisher, stop: asyncio.Event
) -> list[Record] | None:
    """Send until all are acknowledged, but for those that are refused for ever: these are
    returned; None when told to stop before."""
    refused: list[Record] = []
    while records:
        answers = await _answers(records, publisher, stop)
        if stop.is_set():
            return None
        refused += [
            r for r, e in zip(records, answers, strict=True) if isinstance(e, Unpublishable)
        ]
        left = [r for r, e in zip(records, answers, strict=True) if is_open(e)]
        if len(left) < len(records):
            journal.kafka_answered()
        if left:
            journal.kafka_is_away("it does not take what is spooled")
            await first_of(stop, seconds=ASK_AGAIN_SECONDS)
        records = left
    return refused


async def _answers(records: Sequence[Record], publisher: Publisher, stop: asyncio.Event) -> Answers:
    """What Kafka says of each; nothing good when told to stop meanwhile."""
    sending = asyncio.ensure_future(publisher.send_all(records, deadline_seconds=_DEADLINE_SECONDS))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((sending, stopping), return_when=asyncio.FIRST_COMPLETED)
        return sending.result()
    except Exception as error:  # also that it has not ended
        return [error] * len(records)
    finally:
        sending.cancel()
        stopping.cancel()
