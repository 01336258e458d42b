"""Several instances: waited for together, stopped in order."""

from pathlib import Path

import pytest
from goodword.errors import PlatformError, ServiceFailed, UnknownService
from goodword.platform.events import PlatformEvent, Ready, Wrote
from goodword.platform.supervision import Supervisor
from local_stack.ports import free_port

from .fakes import REFUSES, program


def supervisor(folder: Path, heard: list[PlatformEvent], **sources: str) -> Supervisor:
    programs = [
        program(folder, free_port(), service=name, **({"source": source} if source else {}))
        for name, source in sources.items()
    ]
    return Supervisor(programs, on_event=heard.append, changed=lambda: None)


async def test_all_are_ready_and_then_stopped_in_order(tmp_path: Path) -> None:
    heard: list[PlatformEvent] = []
    kept = supervisor(tmp_path, heard, programs="", tracking="", rewards="")
    kept.start()
    try:
        await kept.ready(20)
        assert {each.instance for each in heard if isinstance(each, Ready)} == {
            "programs-0",
            "tracking-0",
            "rewards-0",
        }
        await kept.restart("rewards")
    finally:
        await kept.stop()
    ended = [each.instance for each in heard if each == Wrote(_name(each), "ended in order")]
    assert ended == ["rewards-0", "tracking-0", "rewards-0", "programs-0"]


def _name(event: PlatformEvent) -> str:
    return event.instance if isinstance(event, Wrote) else ""


async def test_a_service_that_will_not_start_is_told_with_its_log(tmp_path: Path) -> None:
    kept = supervisor(tmp_path, [], programs="", rewards=REFUSES)
    kept.start()
    try:
        with pytest.raises(ServiceFailed, match="rewards-0 did not start") as failure:
            await kept.ready(20)
    finally:
        await kept.stop()
    assert "GOODWORD_DATABASE is missing" in str(failure.value)
    assert "--without rewards" in str(failure.value)


async def test_a_service_that_never_becomes_ready_says_why(tmp_path: Path) -> None:
    unready = program(tmp_path, free_port(), answer="503")
    kept = Supervisor([unready], on_event=lambda _: None, changed=lambda: None)
    kept.start()
    try:
        with pytest.raises(ServiceFailed, match="it is not ready: tables are not read"):
            await kept.ready(1)
    finally:
        await kept.stop()


async def test_an_instance_that_is_not_there_is_refused(tmp_path: Path) -> None:
    kept = supervisor(tmp_path, [], rewards="")
    with pytest.raises(UnknownService):
        await kept.kill("hub")
    with pytest.raises(PlatformError, match="no instance 1"):
        await kept.kill("rewards", 1)
