"""The demo's end of the CRM connector: a process of its own, fed by its standard input."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from shared_schemas.events.crm import LeadChanged, OpportunityChanged

from ..errors import PlatformError

_SECONDS = 20.0
NAME = "sample"


class Crm:
    """Changes of records, published one by one in the order of the calls."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()
        self._number = 0

    @classmethod
    @asynccontextmanager
    async def connected(cls, kafka: str, prefix: str) -> AsyncIterator["Crm"]:
        """Run the connector for as long as the block lasts."""
        arguments = ("-m", "goodword.demo.connector", "--kafka", kafka, "--prefix", prefix)
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=PIPE, stdout=PIPE
        )
        try:
            yield cls(process)
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), _SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def lead(self, record_id: str, **fields: object) -> None:
        """A lead changed now."""
        await self._changed(LeadChanged.TYPE, record_id, fields)

    async def opportunity(self, record_id: str, **fields: object) -> None:
        """An opportunity changed now."""
        await self._changed(OpportunityChanged.TYPE, record_id, fields)

    async def broken(self, record_id: str, body: str) -> None:
        """An opportunity's record, as a broken export would write it."""
        await self._publish(OpportunityChanged.TYPE, record_id, body)

    async def _changed(self, event_type: str, record_id: str, fields: Mapping[str, object]) -> None:
        now = datetime.now(UTC).isoformat()
        body = {"record_id": record_id, "connector": NAME, "changed_at": now, **fields}
        await self._publish(event_type, record_id, body)

    async def _publish(self, event_type: str, record_id: str, body: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._number += 1
            change = {"id": f"crm-{self._number}", "type": event_type, "key": record_id}
            self._process.stdin.write(json.dumps({**change, "body": body}).encode() + b"\n")
            await self._process.stdin.drain()
            answer = await asyncio.wait_for(self._process.stdout.readline(), _SECONDS)
        if not answer.startswith(b"ok"):
            raise PlatformError("The CRM connector ended before it had published everything.")
