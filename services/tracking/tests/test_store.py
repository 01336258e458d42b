"""Tables in memory and on disk, recent ids, records."""

import asyncio
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest
from msgspec.structs import replace
from service_kit.waiting import first_of
from shared_schemas.keys import KeyKind, api_key_hash
from shared_schemas.states import LinkState
from tracking.domain.tables import ApiKey, DayKey
from tracking.loops import keep_snapshot, recall, watch_tables
from tracking.store.recent import Recent
from tracking.store.registry import Registry, Revocation
from tracking.store.snapshot import SnapshotUnreadable, load, save

from .builders import NOW, PEPPER, SECRET_KEY, day_key, key, link, policy, registry

HASH = api_key_hash(PEPPER, SECRET_KEY)


def test_only_a_higher_revision_changes_an_entry() -> None:
    known = Registry()
    assert known.learn([link(revision=2)]) == 1
    older = link(revision=1, destination="https://old.example")
    assert known.learn([older, link(revision=2)]) == 0
    assert known.link("anna") == link(revision=2)
    assert known.learn([link(revision=3, destination="https://new.example")]) == 1


def test_the_order_in_which_revisions_are_heard_does_not_matter() -> None:
    first, second = Registry(), Registry()
    entries = [link(revision=n) for n in (1, 2, 3)] + [policy(), policy(version=2)]
    first.learn(entries)
    second.learn(reversed(entries))
    assert first.link("anna") == second.link("anna")
    assert first.policy("us", NOW) == second.policy("us", NOW)


def test_a_revoked_key_stays_revoked_when_it_is_issued_again_at_an_older_revision() -> None:
    known = registry()
    known.learn([Revocation(key_id=f"key-{KeyKind.SECRET}", revision=2), key()])
    found = known.key(HASH)
    assert found is not None
    assert not found.opens_door(NOW)


@pytest.mark.parametrize(("issued", "revoked"), [(1, 2), (2, 2), (3, 2)])
def test_a_revocation_counts_by_revision_whichever_is_heard_first(
    issued: int, revoked: int
) -> None:
    """An issue that is older than a revocation heard before it stays revoked."""
    for entry in (key(revision=issued), replace(day_key(), revision=issued)):
        revocation = Revocation(key_id=entry.key_id, revision=revoked)
        for heard in permutations([entry, revocation]):
            known = Registry()
            known.learn(heard)
            (found,) = known
            assert isinstance(found, ApiKey | DayKey)
            assert found.revoked == (revoked > issued), heard
            assert found.revision == max(issued, revoked)


def test_the_highest_revocation_of_a_key_that_is_not_known_yet_is_kept() -> None:
    known = Registry()
    assert known.learn([Revocation(key_id=key().key_id, revision=3)]) == 1
    assert known.learn([Revocation(key_id=key().key_id, revision=2)]) == 0
    known.learn([key(revision=2)])
    assert not known.key(HASH).opens_door(NOW)


@pytest.mark.parametrize("state", [LinkState.REVOKED, LinkState.EXPIRED])
def test_a_link_that_is_over_stays_so_when_it_is_issued_later_at_an_older_revision(
    state: LinkState,
) -> None:
    known = Registry()
    known.learn([link(revision=2, state=state), link()])
    assert known.link("anna") == link(revision=2, state=state)


def test_a_key_is_not_found_by_the_hash_that_it_had_before() -> None:
    known = registry()
    known.learn([key("gw_sk_renewed", revision=2)])
    assert known.key(HASH) is None
    assert known.key(api_key_hash(PEPPER, "gw_sk_renewed")) is not None


def test_a_snapshot_gives_back_what_was_known(tmp_path: Path) -> None:
    path, many = tmp_path / "state" / "tables", [link(f"c{n}") for n in range(1_200)]
    known = registry(*many, Revocation(key_id="not-issued-yet", revision=2))
    save(path, known)
    recalled = Registry()
    recall(recalled, path)
    assert list(recalled) == list(known)
    assert not recalled.complete
    assert Revocation(key_id="not-issued-yet", revision=2) in list(recalled)
    assert not recalled.changed.is_set()
    assert recalled.key(HASH) == key()
    assert recalled.day_key(NOW) == day_key()
    assert recalled.day_key(NOW + timedelta(days=2)) is None


def test_without_a_snapshot_there_is_nothing_to_recall(tmp_path: Path) -> None:
    assert load(tmp_path / "none") == []
    save(tmp_path / "empty", ())
    assert load(tmp_path / "empty") == []


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"not json\n"])
def test_a_damaged_snapshot_is_not_believed(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "tables"
    save(path, registry())
    whole = path.read_bytes()
    for broken in (damage + whole, whole[: len(whole) // 2] + damage, damage):
        path.write_bytes(broken)
        if broken != whole:
            with pytest.raises(SnapshotUnreadable):
                load(path)
            recall(Registry(), path)


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "tables"
    save(path, registry())
    path.write_bytes(path.read_bytes().replace(b"shop.example.com", b"evil.example.com"))
    with pytest.raises(SnapshotUnreadable):
        load(path)


async def test_a_change_is_written_soon_and_the_last_one_at_the_stop(tmp_path: Path) -> None:
    path, known, stop = tmp_path / "tables", registry(), asyncio.Event()
    keeping = asyncio.create_task(keep_snapshot(known, path, 0.001, stop))
    while known.changed.is_set():
        await first_of(stop, seconds=0.01)
    known.learn([link("late")])
    stop.set()
    await keeping
    assert "late" in {entry.code for entry in load(path) if hasattr(entry, "code")}


@pytest.mark.parametrize("read", [True, False])
async def test_the_tables_are_complete_once_they_are_read(read: bool) -> None:
    known, at_end, stop = registry(complete=False), asyncio.Event(), asyncio.Event()
    watching = asyncio.create_task(watch_tables(known, at_end, stop))
    await asyncio.sleep(0)
    assert not known.complete
    (at_end if read else stop).set()
    await first_of(stop, seconds=0.01)
    assert known.complete is read
    stop.set()
    await asyncio.wait_for(watching, 5)


def test_recent_ids_are_remembered_within_bounds() -> None:
    recent = Recent(3)
    for n in range(10):
        recent.remember(f"id-{n}", "hash")
    assert recent.contradicts("id-9", "other")
    assert recent.contradicts("id-7", "other")
    assert not recent.contradicts("id-9", "hash")
    assert not recent.contradicts("id-0", "other")
