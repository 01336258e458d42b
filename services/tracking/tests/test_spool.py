"""The spool on a real disk: durable, in order, healing after crashes, damage and full disks."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service_kit.producer import Record
from tracking.store import segments
from tracking.store.segments import Segments
from tracking.store.spool import Spool

from .spools import count, emptied, hanging, record, records, spool_in


def files_of(folder: Path, kind: str = "segment") -> list[Path]:
    return sorted(folder.glob(f"*.{kind}"))


def listed(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_what_is_appended_comes_out_in_its_order_and_leaves_no_file(tmp_path: Path) -> None:
    async with spool_in(tmp_path) as spool:
        assert not spool.holds
        answers = [spool.append(records(3)), spool.append([record("x")])]
        assert spool.holds
        assert await asyncio.gather(*answers) == [None, None]
        assert spool.standing[:1] + spool.standing[2:3] == (4, 1)
        assert spool.standing.bytes == files_of(tmp_path)[0].stat().st_size
        assert await emptied(spool) == [*records(3), record("x")]
        assert not spool.holds
        assert spool.standing == (0, 0, 0, 0.0)
        assert listed(tmp_path) == []


async def test_appends_of_one_turn_are_one_write_and_one_sync(
    tmp_path: Path, syncs: list[int]
) -> None:
    async with spool_in(tmp_path) as spool:
        assert await spool.append([record("makes the file")]) is None
        syncs.clear()
        await asyncio.gather(*(spool.append([one]) for one in records(50)))
        assert len(syncs) == 1
        assert len(await emptied(spool)) == 51


@pytest.fixture
def syncs() -> Iterator[list[int]]:
    """Every sync of a file's data, as the operating system is asked for it."""
    seen: list[int] = []
    real = os.fdatasync

    def counted(descriptor: int) -> None:
        seen.append(descriptor)
        real(descriptor)

    segments.os.fdatasync = counted  # type: ignore[assignment]
    yield seen
    segments.os.fdatasync = real


async def test_what_was_not_sent_is_there_after_a_restart_and_new_events_go_behind_it(
    tmp_path: Path,
) -> None:
    async with spool_in(tmp_path) as spool:
        await spool.append(records(4))
        chunk = await spool.head(most_records=2)
        assert chunk is not None
        assert list(chunk.records) == records(2)
        await spool.forget(chunk)
    async with spool_in(tmp_path) as spool:
        assert spool.standing.records == 4  # two of them for the second time
        await spool.append([record("new")])
        assert await emptied(spool) == [*records(4), record("new")]
        assert listed(tmp_path) == []


async def test_events_may_come_while_others_are_being_sent(tmp_path: Path) -> None:
    async with spool_in(tmp_path) as spool:
        found: list[Record] = []
        appends = []
        for number in range(300):
            appends.append(spool.append([record(str(number), size=500)]))
            if number % 7 == 0 and (chunk := await spool.head(most_records=3)) is not None:
                found += chunk.records
                await spool.forget(chunk)
        await asyncio.gather(*appends)
        await asyncio.sleep(0)
        found += await emptied(spool)
        assert found == [record(str(number), size=500) for number in range(300)]
        assert listed(tmp_path) == []


async def test_segments_are_deleted_as_soon_as_they_are_sent(tmp_path: Path) -> None:
    group = records(64, size=40_000)  # a third of a segment
    async with spool_in(tmp_path) as spool:
        for _ in range(10):
            assert await spool.append(group) is None
        left = len(files_of(tmp_path))
        assert left == spool.standing.segments >= 3
        while (chunk := await spool.head()) is not None:
            await spool.forget(chunk)
            assert left - 1 <= len(files_of(tmp_path)) <= left
            left = len(files_of(tmp_path))
        assert left == 0


async def test_a_torn_tail_is_dropped_and_counted_and_whole_records_are_kept(
    tmp_path: Path,
) -> None:
    async with spool_in(tmp_path) as spool:
        await spool.append(records(3))
    (file,) = files_of(tmp_path)
    whole = file.stat().st_size
    os.truncate(file, whole - 5)
    torn, damaged = count("spool_tails_torn"), count("spool_records_damaged")
    async with spool_in(tmp_path) as spool:
        assert count("spool_tails_torn") == torn + 1
        assert spool.standing.records == 2
        assert file.stat().st_size == spool.standing.bytes < whole - 5
        assert await emptied(spool) == records(2)
    assert count("spool_records_damaged") == damaged
    assert listed(tmp_path) == []


async def test_a_tail_torn_at_its_first_byte_leaves_nothing_to_send(tmp_path: Path) -> None:
    (tmp_path / "0000000000000009.segment").write_bytes(b"\xf5")
    (tmp_path / "0000000000000010.segment").touch()
    async with spool_in(tmp_path) as spool:
        assert await emptied(spool) == []
        assert not spool.holds
        await spool.append([record("next")])
        assert [file.name for file in files_of(tmp_path)] == ["0000000000000011.segment"]


async def test_a_damaged_record_stops_nothing_it_is_set_aside_and_counted(tmp_path: Path) -> None:
    async with spool_in(tmp_path) as spool:
        await spool.append(records(5))
    (file,) = files_of(tmp_path)
    data = bytearray(file.read_bytes())
    data[2 * len(data) // 5 + 20] ^= 0x40
    file.write_bytes(data)
    before = count("spool_records_damaged")
    async with spool_in(tmp_path) as spool:
        assert await emptied(spool) == [*records(2), *records(5)[3:]]
    assert count("spool_records_damaged") == before + 1
    (aside,) = listed(tmp_path)
    assert aside.suffix == ".damaged"
    assert aside.read_bytes() == bytes(data[2 * len(data) // 5 : 3 * len(data) // 5])
    assert aside.stat().st_mode & 0o077 == 0


@settings(max_examples=60, deadline=None)
@given(st.data())
async def test_whatever_a_crash_or_a_bad_disk_leaves_no_wrong_record_is_sent(
    tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    async with spool_in(folder) as spool:
        await spool.append(records(8, size=30))
    (file,) = files_of(folder)
    data = bytearray(file.read_bytes())
    cut = draw.draw(st.integers(0, len(data)), "cut")
    for at in draw.draw(st.lists(st.integers(0, max(0, cut - 1)), max_size=3), "blows"):
        data[at] ^= draw.draw(st.integers(0, 255), "blow")
    file.write_bytes(data[:cut])
    async with spool_in(folder) as spool:
        found = await emptied(spool)
        assert not spool.holds
    left = iter(records(8, size=30))
    assert all(one in left for one in found)


async def test_a_record_that_kafka_never_takes_is_set_aside(tmp_path: Path) -> None:
    before = count("spool_records_damaged")
    async with spool_in(tmp_path) as spool:
        await spool.append(records(3))
        chunk = await spool.head()
        assert chunk is not None
        await spool.forget(chunk, [chunk.records[1]])
        assert not spool.holds
    (aside,) = listed(tmp_path)
    assert chunk.records[1].body is not None
    assert chunk.records[1].body in aside.read_bytes()
    assert count("spool_records_damaged") == before + 1


async def test_beyond_its_cap_it_refuses_until_something_was_sent(tmp_path: Path) -> None:
    async with spool_in(tmp_path, max_bytes=1_000) as spool:
        before = count("spool_refusals", reason="full")
        assert await spool.append(records(1, size=800)) is None
        assert await spool.append(records(1, size=800)) is not None
        assert count("spool_refusals", reason="full") == before + 1
        assert len(await emptied(spool)) == 1
        assert await spool.append(records(1, size=800)) is None


async def test_a_closed_spool_takes_nothing(tmp_path: Path) -> None:
    spool = Spool(max_bytes=1_000, write_seconds=1)
    assert await spool.append([record("early")]) is not None
    async with spool_in(tmp_path) as spool:
        last = spool.append([record("last")])
    assert await last is None
    assert await spool.append([record("late")]) is not None


async def test_a_disk_that_hangs_is_waited_for_only_so_long(tmp_path: Path) -> None:
    async with spool_in(tmp_path, write_seconds=0.05) as spool:
        async with hanging(spool, tmp_path):
            answers = [spool.append([record("a")]), spool.append([record("b")])]
            assert None not in await asyncio.wait_for(asyncio.gather(*answers), 5)
            assert await spool.append([record("c")]) is not None  # at once
        await asyncio.wait_for(spool.filled.wait(), 5)  # what it got after all is in it
        assert await spool.append([record("d")]) is None


@pytest.mark.parametrize("call", ["fdatasync", "write", "ftruncate"])
async def test_after_a_failed_write_earlier_records_stay_and_later_ones_are_taken(
    tmp_path: Path, call: str
) -> None:
    broken = {"write", call}
    real = {name: getattr(os, name) for name in ("fdatasync", "write", "ftruncate")}

    def fails(*_arguments: object) -> int:
        raise OSError(5, "Input/output error")

    async with spool_in(tmp_path) as spool:
        assert await spool.append([record("before")]) is None
        try:
            for name in {call} if call != "ftruncate" else broken:
                setattr(segments.os, name, fails)
            assert await spool.append([record("refused")]) is not None
        finally:
            for name, function in real.items():
                setattr(segments.os, name, function)
        assert await spool.append([record("after")]) is None
        assert await emptied(spool) == [record("before"), record("after")]


def test_a_new_segment_is_known_to_its_folder_before_it_is_written(tmp_path: Path) -> None:
    files = Segments(tmp_path, segment_bytes=1)
    assert files.open() == []
    assert [files.append([b"payload"]).number for _ in range(3)] == [1, 2, 3]
    files.finish()
    assert len(files_of(tmp_path)) == 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "goodword", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("mounting needs root on Linux")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_refuses_and_keeps_what_it_took_and_takes_again_with_room(
    small_disk: Path,
) -> None:
    folder = small_disk / "spool"
    blocks = small_disk / "somebody-elses"
    blocks.write_bytes(bytes(500_000))
    taken: list[Record] = []
    before = count("spool_refusals", reason="disk")
    async with spool_in(folder) as spool:
        for number in range(20):
            group = [record(f"{number}-{place}", size=9_000) for place in range(5)]
            if await spool.append(group) is None:
                taken += group
        assert 0 < len(taken) < 100
        assert count("spool_refusals", reason="disk") > before
        assert await spool.append(records(1, size=60_000)) is not None
        blocks.unlink()
        assert await spool.append(records(1, size=60_000)) is None
        taken += records(1, size=60_000)
    async with spool_in(folder) as spool:
        assert spool.standing.records == len(taken)
        assert await emptied(spool) == taken
        assert not files_of(folder)
