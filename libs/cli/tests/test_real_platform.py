"""The platform as a whole: real services on the real broker and database."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from goodword.platform import Choice, PlatformEvent, Running, Wrote, running_on
from goodword.platform.catalogue import ALL, PREFIX_SETTING
from goodword.platform.databases import database_name
from goodword.platform.record import read_run
from local_stack import Infrastructure

from .waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]
SERVICES = ("programs", "rewards", "hub")


@pytest.fixture
def prefix(infrastructure: Infrastructure, topic_prefix: str) -> Iterator[str]:
    """A topic prefix; the databases that it names are dropped in the end."""
    yield topic_prefix
    asyncio.run(drop_databases(infrastructure.admin_url, database_name(topic_prefix, "")))


async def drop_databases(url: str, beginning: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for row in await connection.fetch(
            "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", beginning
        ):
            await connection.execute(f'DROP DATABASE "{row["datname"]}" WITH (FORCE)')
    finally:
        await connection.close()


def choice(prefix: str) -> Choice:
    return Choice.of(only=SERVICES, scale={"rewards": 2}, extra={ALL: {PREFIX_SETTING: prefix}})


def everything(platform: Running) -> list[psutil.Process]:
    instances = [each for several in platform.services.values() for each in several]
    return [psutil.Process(each.pid) for each in instances if each.pid]


async def test_services_come_up_settle_survive_a_kill_and_end(
    infrastructure: Infrastructure, prefix: str, tmp_path: Path
) -> None:
    heard: list[PlatformEvent] = []
    async with running_on(
        infrastructure, tmp_path, choice(prefix), on_event=heard.append
    ) as platform:
        assert [each.name for each in platform.services["rewards"]] == ["rewards-0", "rewards-1"]
        status = await platform.settled(60)
        assert status.snapshot.end_offsets > 0, "programs published its keys"
        await killed_and_back(platform)
        await platform.restart("rewards", 1)
        await platform.settled(60)
        processes = everything(platform)
        assert len(processes) == 4
    assert [each for each in processes if each.is_running()] == []
    assert not read_run(tmp_path).is_alive
    assert read_run(tmp_path).ports["rewards-1"]
    assert any(isinstance(each, Wrote) for each in heard)


async def killed_and_back(platform: Running) -> None:
    instance = platform.services["rewards"][0]
    first = instance.pid
    await platform.kill("rewards", 0)
    await until(lambda: instance.pid not in (None, first), seconds=20)
    status = await platform.settled(60)
    assert [each.ready for each in status.snapshot.instances] == [True] * 4


async def test_other_processes_can_look_and_ask(
    infrastructure: Infrastructure, prefix: str, tmp_path: Path
) -> None:
    async with running_on(infrastructure, tmp_path, choice(prefix)) as platform:
        shown = json.loads(await asked("status", "--json", state=tmp_path))
        assert shown["services"].keys() == set(SERVICES)
        assert shown["services"]["rewards"][1]["pid"] == platform.services["rewards"][1].pid
        assert shown["services"]["programs"][0]["memory_bytes"] > 10 << 20
        assert "Nothing is set aside" in await asked("dlq", "list", state=tmp_path)
        link = await asked("login", "--as", "operator", state=tmp_path)
        assert link.startswith(f"{platform.url('hub')}/login/")
        document = tmp_path / "organisation.yaml"
        document.write_text("keys: [{id: ops, kind: admin, actor: ops, scopes: [read]}]\n")
        told = await asked("apply", str(document), "--yes", state=tmp_path)
        assert platform.keys["ops"].startswith("gw_ak_")
        assert platform.keys["ops"] in told
        assert await asked("plan", str(document), state=tmp_path) == "Nothing would change.\n"
        before = (await platform.settled(60)).snapshot.end_offsets
        replayed = await asked("replay-topic", "--all", state=tmp_path)
        assert f"{before:,} records produced again" in replayed
        after = (await platform.settled(60)).snapshot.end_offsets
        assert after == 2 * before, "inboxes absorbed all of it"


async def asked(*arguments: str, state: Path) -> str:
    return await asyncio.to_thread(goodword, *arguments, "--state", str(state))


def goodword(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "goodword", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def up(
    infrastructure: Infrastructure, prefix: str, tmp_path: Path
) -> Iterator["subprocess.Popen[str]"]:
    """`goodword up` with one service, as a person would start it."""
    command = [sys.executable, "-m", "goodword", "up", "--only", "programs"]
    process = subprocess.Popen(
        [*command, "--state", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "GOODWORD_KAFKA": infrastructure.kafka_bootstrap,
            "GOODWORD_POSTGRES": infrastructure.postgres_url,
            PREFIX_SETTING: prefix,
            "COLUMNS": "200",
        },
    )
    yield process
    process.kill()
    process.wait(timeout=10)


def lines_until(process: "subprocess.Popen[str]", text: str) -> list[str]:
    assert process.stdout is not None
    found: list[str] = []
    for line in process.stdout:
        found.append(line)
        if text in line:
            return found
    pytest.fail("".join(found))


@pytest.mark.parametrize("how", ["interrupt", "down", "kill"])
def test_nothing_is_left_however_it_ends(
    up: "subprocess.Popen[str]", tmp_path: Path, how: str
) -> None:
    lines_until(up, "Ctrl-C stops everything")
    run = read_run(tmp_path)
    processes = [psutil.Process(each.process.pid) for each in run.instances if each.process]
    assert len(processes) == 1
    if how == "interrupt":
        up.send_signal(2)
    elif how == "down":
        assert goodword("down", "--state", str(tmp_path)) == "Stopped: everything.\n"
    else:
        up.kill()
    assert up.wait(timeout=60) == (-9 if how == "kill" else 0)
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert alive == []
    assert not read_run(tmp_path).is_alive
