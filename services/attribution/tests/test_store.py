"""What the rows promise: locks before reads, sets in one statement, refusals of nonsense."""

from datetime import timedelta

import asyncpg
import pytest
from attribution.domain.values import Join
from attribution.store.conversions import Affected, lock_conversions
from attribution.store.joins import save_joins
from attribution.store.people import Named, People, ensure, lock, save_members
from attribution.store.revisits import FEW, PAGE, Revisit, conversions_touched_by

from .builders import NOON, at, click, conversion_id, linked, refund, sale, share
from .control_plane import policy

pytestmark = pytest.mark.real


async def test_locking_somebody_locks_the_person_and_reads_who_it_is(harness) -> None:
    await harness.deliver(linked(0, visitor="v1", customer="zoe"))
    people = People()
    async with harness.transaction() as tx:
        await lock(tx, people, Named(identifiers=frozenset({"visitor:v1"})))
        free = await harness.fetch("SELECT identifier FROM identifiers FOR UPDATE SKIP LOCKED")
    assert people.members_of("visitor:v1") == {"visitor:v1", "customer:zoe"}
    assert people.locked == {"customer:zoe"}
    assert [row["identifier"] for row in free] == ["visitor:v1"]


async def test_who_met_a_click_first_is_locked_with_it_and_no_more_than_six(harness) -> None:
    await harness.deliver(click("k", 0), *(share("k", n, f"s{n}") for n in range(1, 20)))
    people = People()
    async with harness.transaction() as tx:
        await lock(tx, people, Named(click_ids=frozenset({"k"})))
    firsts = {f"visitor:s{n}" for n in range(1, 6)}
    assert people.locked == {"click:k", "visitor:v1"} | firsts


async def test_a_conversion_locks_everybody_whom_its_reports_name(harness) -> None:
    await harness.deliver(sale("o1", 0, customer="zoe", visitor="v1"))
    people = People()
    async with harness.transaction() as tx:
        await lock(tx, people, Named(conversion_ids=frozenset({conversion_id("o1")})))
    assert people.locked == {"customer:zoe"}
    assert people.members_of("customer:zoe") == {"customer:zoe", "visitor:v1"}


async def test_moving_somebody_is_read_back_in_the_same_transaction(harness) -> None:
    people = People()
    async with harness.transaction() as tx:
        await ensure(tx, people, {"visitor:v1", "customer:zoe"})
        await save_members(tx, {"visitor:v1": "customer:zoe"})
        again = People()
        await ensure(tx, again, {"visitor:v1"})
    assert again.person_of("visitor:v1") == "customer:zoe"


async def test_a_link_told_a_thousand_times_is_one_row(harness) -> None:
    async with harness.transaction() as tx:
        for n in (5, 1, 9):
            names = ("customer:zoe", "visitor:v1")
            await save_joins(
                tx, [Join(identifiers=names, trusted=True, first_at=at(n), last_at=at(n))]
            )
    [row] = await harness.fetch("SELECT first_at, last_at FROM joins")
    assert tuple(row) == (at(1), at(9))


async def test_only_open_conversions_are_affected_by_a_touch(harness) -> None:
    await harness.deliver(sale("old", -30 * 1440), sale("new", 0))
    heard = Affected(of_touched=frozenset({"visitor:v1"}), heard_at=at(5))
    changed = Affected(of_changed=frozenset({"visitor:v1"}))
    async with harness.transaction() as tx:
        assert set(await lock_conversions(tx, heard)) == {conversion_id("new")}
        assert len(await lock_conversions(tx, changed)) == 2


async def test_changed_facts_find_their_conversions_by_code_and_market(harness) -> None:
    await harness.deliver(click("c1", -5), sale("o1", 0), sale("o2", 0, visitor="v2"))
    one, both = [conversion_id("o1")], sorted([conversion_id("o1"), conversion_id("o2")])
    keys = ("link/ann-1", "participant/ann", "program/spring", "market/eu", "link/bob-1")
    async with harness.transaction() as tx:
        found = await conversions_touched_by(tx, [Revisit(key=key, through=NOON) for key in keys])
        late = Revisit(key="link/ann-1", through=NOON + timedelta(days=8))
        since = Revisit(key="link/ann-1", through=NOON, since=at(1))
        after = Revisit(key="market/eu", through=NOON + timedelta(days=7), after=both[0])
        rest = await conversions_touched_by(tx, [late, since, after])
    assert [touched.conversion_ids for touched in found] == [one, one, one, both, []]
    assert [touched.conversion_ids for touched in rest] == [[], [], both[1:]]
    assert {touched.next_page for touched in (*found, *rest)} == {None}


_CROWD = """
WITH crowd AS MATERIALIZED (
    SELECT n::text AS n, 'visitor:' || n AS name FROM generate_series(1, $1::integer) AS n
), met AS (
    INSERT INTO identifiers SELECT name, name FROM crowd
), seen AS (
    INSERT INTO sightings (sighting_id, form, code, identifier, seen_at, heard_at, ce_source,
                           ce_id, consented)
    SELECT n, 'code', 'ann-1', name, $2::timestamptz, $2, 'crowd', n, true FROM crowd
)
INSERT INTO conversion_identifiers SELECT name, n FROM crowd
"""
_READ = """
SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables
"""


async def test_a_changed_fact_reads_no_more_for_all_the_touches_of_the_past(harness) -> None:
    await harness.deliver(click("c1", -5), sale("o1", 0), sale("o2", 0, visitor="v2"))
    keys = ("link/ann-1", "participant/ann", "program/spring")
    async with harness.transaction() as tx:
        await tx.execute(_CROWD, 20 * FEW, at(-5))
        await tx.execute("ANALYZE")
        before = await tx.fetchval(_READ)
        found = await conversions_touched_by(tx, [Revisit(key=key, through=NOON) for key in keys])
        read = await tx.fetchval(_READ) - before
    assert [touched.conversion_ids for touched in found] == [[conversion_id("o1")]] * 3
    assert read < len(keys) * 2 * FEW


async def test_the_database_refuses_what_cannot_be(harness) -> None:
    await harness.deliver(sale("o1", 0), refund("o1", 1, 5))
    for statement in (
        "UPDATE reversals SET amount_minor = 0",
        "UPDATE reports SET amount_minor = -1",
        "UPDATE reports SET currency = NULL",
        "UPDATE conversions SET revision = 0",
        "INSERT INTO sightings (sighting_id, form, code, seen_at, heard_at, ce_source, ce_id,"
        " consented) VALUES ('s', 'share', 'c', now(), now(), 's', 'i', true)",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await harness.fetch(statement)


async def test_a_policy_of_more_conversions_than_a_page_reaches_them_all(harness) -> None:
    await harness.deliver(*(sale(f"o{n}", 0, visitor=f"v{n}") for n in range(PAGE + 20)))
    await harness.hear_table(policy(version=2, effective_at=at(-5), heard=at(30)))
    await harness.fire_due(at(30))
    [row] = await harness.fetch(
        "SELECT count(*) FROM conversions WHERE (decision->>'policy_version')::integer = 2"
    )
    assert row["count"] == PAGE + 20
