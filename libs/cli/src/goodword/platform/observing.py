"""Asks services and Kafka where they stand, and waits until all work is done."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
from shared_schemas.topics import TOPICS

from ..errors import NotSettled
from .broker import Broker, KafkaSilent, lag
from .install import load_keys, load_secrets
from .record import Recorded, Run, read_living_run
from .status import InstanceStatus, Snapshot, Status
from .supervision import ask_readiness
from .topics import group_topics

TWICE_SECONDS = 0.25  # between the two looks that must both find nothing
_AGAIN_SECONDS = 0.3
_ANSWER_SECONDS = 5.0


class Observer:
    """One run as it is seen from outside: by its record, HTTP and Kafka."""

    def __init__(self, state: Path, read: Callable[[], Run], broker: Broker) -> None:
        self._state = state
        self._read = read
        self._broker = broker
        token = load_secrets(state).operator_token
        self._http = httpx.AsyncClient(
            timeout=_ANSWER_SECONDS, headers={"Authorization": f"Bearer {token}"}
        )

    @classmethod
    @asynccontextmanager
    async def watching(
        cls, state: Path, read: Callable[[], Run] | None = None
    ) -> AsyncIterator["Observer"]:
        """Observe what runs from a state folder. Raises NotRunning, KafkaSilent."""
        reading = read or (lambda: read_living_run(state))
        run = reading()
        async with Broker.connected(run.kafka, run.topic_prefix) as broker:
            observer = cls(state, reading, broker)
            async with observer._http:
                yield observer

    async def snapshot(self) -> Snapshot:
        """Everything at about one moment: services first, so that Kafka is never older."""
        run = self._read()
        instances = await asyncio.gather(*(self._instance(each) for each in run.instances))
        services = sorted({each.service for each in run.instances})
        ends = await self._broker.ends(topic.name for topic in TOPICS)
        starts = await self._broker.starts(topic.name for topic in TOPICS)
        behind = {}
        for service in services:
            heard = set(group_topics(service))
            own = {tp: end for tp, end in ends.items() if tp.topic in heard}
            behind[service] = lag(own, starts, await self._broker.committed(service) if own else {})
        return Snapshot(
            taken_at=datetime.now(UTC),
            instances=instances,
            lag=behind,
            end_offsets=sum(ends.values()),
            kafka=run.kafka,
            postgres=run.postgres,
            keys=load_keys(self._state),
        )

    async def status(self, horizon_seconds: float = 0) -> Status:
        """Look twice, shortly after each other: settled is what both find settled."""
        horizon = timedelta(seconds=horizon_seconds)
        first = await self.snapshot()
        reasons = first.unsettled(horizon)
        if reasons:
            return Status(snapshot=first, settled=False, unsettled=reasons)
        await asyncio.sleep(TWICE_SECONDS)
        second = await self.snapshot()
        reasons = second.unsettled(horizon)
        if not reasons and not first.is_followed_by(second):
            reasons = ["something was published between two looks"]
        return Status(snapshot=second, settled=not reasons, unsettled=reasons)

    async def settled(self, deadline_seconds: float, horizon_seconds: float = 0) -> Status:
        """Wait until settled. Raises NotSettled with the last reasons."""
        deadline = time.monotonic() + deadline_seconds
        reasons: Sequence[str] = ()
        while time.monotonic() < deadline:
            try:
                status = await self.status(horizon_seconds)
            except KafkaSilent as silent:
                reasons = [str(silent)]
            else:
                if status.settled:
                    return status
                reasons = status.unsettled
            await asyncio.sleep(_AGAIN_SECONDS)
        raise NotSettled(seconds=deadline_seconds, reasons=reasons)

    async def _instance(self, each: Recorded) -> InstanceStatus:
        readiness = await ask_readiness(self._http, each.url)
        process = each.process.find() if each.process else None
        return InstanceStatus(
            service=each.service,
            ordinal=each.ordinal,
            url=each.url,
            pid=process.pid if process else None,
            memory_bytes=memory_bytes(process) if process else None,
            ready=readiness.ready,
            reasons=readiness.reasons,
            document=await self._document(each.url),
        )

    async def _document(self, url: str) -> Mapping[str, object] | None:
        try:
            answer = await self._http.get(f"{url}/internal/status")
            answer.raise_for_status()
            document: Mapping[str, object] = answer.json()
        except (httpx.HTTPError, ValueError):
            return None
        return document


def memory_bytes(process: psutil.Process) -> int | None:
    """A process's memory with its part of shared pages (PSS), else what is resident."""
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return None
