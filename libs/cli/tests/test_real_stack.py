"""The platform on a Kafka and a PostgreSQL of its own, which it brings back."""

from pathlib import Path

import psutil
import pytest
from goodword.platform import Ended, PlatformEvent, running
from local_stack import leftovers
from local_stack.providing import KAFKA_VARIABLE, POSTGRES_VARIABLE

from .waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]


async def test_killed_servers_come_back_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in (KAFKA_VARIABLE, POSTGRES_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    heard: list[PlatformEvent] = []
    async with running(tmp_path, only=["programs"], on_event=heard.append) as platform:
        kafka, postgres = platform.infrastructure.kafka, platform.infrastructure.postgres
        assert kafka is not None
        assert postgres is not None
        await platform.settled(60)
        for name, server in (("kafka", kafka), ("postgres", postgres)):
            first = server.pid
            await platform.kill(name)
            await until(lambda s=server, old=first: s.pid not in (None, old), seconds=60)
        await platform.settled(90)
        pids = [pid for pid in (kafka.pid, postgres.pid) if pid]
        assert len(pids) == 2
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    assert leftovers(tmp_path) == []
    assert {each.instance for each in heard if isinstance(each, Ended)} >= {"kafka", "postgres"}
