"""The SQL: what is kept, what is locked, what a query costs."""

import asyncio

import asyncpg
import pytest
from fraud.domain.credit import Credit, Policy, Window
from fraud.domain.identity import MAX_NEIGHBOURS, Flavour, bonds_of, person_of
from fraud.store import conversions, facts, people, tables, verdicts, windows
from service_kit.testing import Harness
from shared_schemas.events.programs import KeyRevoked
from shared_schemas.keys import KeyKind

from .builders import NOON, admin_key, at, credited
from .values import credit, mark, policy

pytestmark = pytest.mark.real

BOB, MAIL, PHONE = "customer:bob", "email:m", "visitor:v"


def window(n: int, minutes: float, who: str = "ann", address: str = "home") -> Window:
    return Window(
        participant_id=who,
        address_hash=address,
        conversion_id=f"c{n:06}",
        occurred_at=at(minutes),
        first_reported_at=at(minutes),
        evidence_id=f"t{n}",
    )


def of(row: Window) -> Credit:
    return credit(
        conversion_id=row.conversion_id,
        occurred_at=row.occurred_at,
        first_reported_at=row.first_reported_at,
    )


async def counts(harness: Harness, rows: list[Window], rules: Policy) -> list[int]:
    async with harness.transaction() as tx:
        found = await windows.crowds(tx, [(of(row), rules) for row in rows])
    return [found[row.conversion_id][0].count for row in rows]


async def test_velocity_counts_rows_of_its_own_window_place_and_person(harness: Harness) -> None:
    rows = [window(n, n * 10) for n in range(8)]
    others = [window(20, 1, who="amy"), window(21, 1, address="work")]
    async with harness.transaction() as tx:
        await windows.save(tx, [], [*rows, *others])
    rules = policy(velocity_limit=4, velocity_window_seconds=1_800)
    assert await counts(harness, rows, rules) == [1, 2, 3, 3, 3, 3, 3, 3]
    assert await counts(harness, others, rules) == [1, 1]
    rules = policy(velocity_limit=4, velocity_window_seconds=36_000)
    assert await counts(harness, rows, rules) == [1, 2, 3, 4, 5, 5, 5, 5]


async def test_of_conversions_at_the_same_time_the_lower_id_is_earlier(harness: Harness) -> None:
    rows = [window(n, 0) for n in range(3)]
    async with harness.transaction() as tx:
        await windows.save(tx, [], rows)
    assert await counts(harness, rows, policy(velocity_limit=9)) == [1, 2, 3]


async def test_neighbours_are_the_next_rows_and_no_more_than_the_limit(harness: Harness) -> None:
    rows = [window(n, n / 10) for n in range(60)]
    async with harness.transaction() as tx:
        await windows.save(tx, [], rows)
        found = await windows.neighbours(tx, [rows[5]])
    assert sorted(later for _, later in found) == [row.conversion_id for row in rows[6:26]]


async def test_window_rows_move_and_go(harness: Harness) -> None:
    old = [window(1, 0), window(2, 0)]
    moved = window(1, 5)
    async with harness.transaction() as tx:
        await windows.save(tx, [], old)
        await windows.save(tx, old, [moved])
        assert await windows.of_conversions(tx, ["c000001", "c000002"]) == {moved}


async def test_a_touch_keeps_its_first_fact_and_only_changes_are_told(harness: Harness) -> None:
    def touch(minutes: float, address: str) -> facts.Touch:
        return facts.Touch(touch_id="t", mark=mark(minutes), address_hash=address)

    async with harness.transaction() as tx:
        assert await facts.save_touches(tx, [facts.Touch(touch_id="t")]) == {"t"}
        assert await facts.save_touches(tx, [facts.Touch(touch_id="t")]) == set()
        assert await facts.save_touches(tx, [touch(5, "a")]) == {"t"}
        assert await facts.save_touches(tx, [touch(6, "b")]) == set()
        assert await facts.save_touches(tx, [touch(4, "c")]) == {"t"}
        assert (await facts.touches(tx, ["t", "u"]))["t"].address_hash == "c"


async def test_of_many_reports_the_first_are_read(harness: Harness) -> None:
    rows = [
        facts.Report(
            conversion_id="c", mark=mark(n, f"e{n}"), trusted=True, consented=True, refused=False
        )
        for n in range(facts.MAX_REPORTS + 9)
    ]
    async with harness.transaction() as tx:
        await facts.save_reports(tx, rows[::-1])
        await facts.save_reports(tx, rows)
        assert (await facts.reports(tx, ["c"]))["c"] == rows[: facts.MAX_REPORTS]


async def test_a_crowded_id_is_read_no_further_than_one_too_many(harness: Harness) -> None:
    flood = [
        bond
        for n in range(200)
        for bond in bonds_of([PHONE, f"customer:{n:03}"], Flavour.CONSENTED, mark(n, f"e{n}"))
    ]
    mail = bonds_of([PHONE, MAIL], Flavour.CONSENTED, mark(1))
    async with harness.transaction() as tx:
        await people.save_bonds(tx, [*flood, *mail])
        bonds = await people.bonds_at(tx, [PHONE])
        graph = await people.graph_within(tx, [PHONE])
    assert len(bonds) <= 3 * (MAX_NEIGHBOURS + 1) + 1
    assert set(person_of(graph, [PHONE]).ways) == {PHONE, MAIL}


async def test_neighbours_that_come_while_waiting_are_locked_too(
    harness: Harness, database: str
) -> None:
    other = await asyncpg.connect(database)
    try:
        await other.execute("BEGIN")
        await other.execute("INSERT INTO identities VALUES ($1)", BOB)
        async with harness.transaction() as tx:
            waiting = await _started(harness, people.lock_around(tx, [BOB]))
            await other.execute(
                "INSERT INTO identity_bonds VALUES ($1, $2, 'consented', $3, 'e', 's')",
                BOB,
                MAIL,
                NOON,
            )
            await other.execute("COMMIT")
            assert (await waiting).others(BOB) == [MAIL]
            await other.execute("SET lock_timeout = '50ms'")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await other.execute("INSERT INTO identities VALUES ($1)", MAIL)
    finally:
        await other.close()


async def _started(harness, call):
    """The call as a task that waits for a lock."""
    task = asyncio.create_task(call)
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(10):
        while (await harness.fetch(waits))[0]["count"] == 0:  # each look is a round trip
            pass
    return task


async def test_a_key_is_known_until_it_is_revoked(harness: Harness) -> None:
    await harness.hear_table(admin_key("gw_ak_a", expires_at=at(60)))
    raw = admin_key("gw_ak_a").data.hash
    async with harness.transaction() as tx:
        key = await tables.key_by_hash(tx, raw)
        assert key
        assert (key.is_valid(at(0)), key.is_valid(at(-1)), key.is_valid(at(60))) == (
            True,
            False,
            False,
        )
        gone = KeyRevoked(key_id="k1", revision=2, kind=KeyKind.ADMIN, revoked_at=at(5))
        await tables.save_keys(tx, [gone])
        await tables.save_keys(tx, [admin_key("gw_ak_a").data])
        key = await tables.key_by_hash(tx, raw)
        assert key
        assert not key.is_valid(at(0))
        unheard = gone.model_copy(update={"key_id": "k2"})
        await tables.save_keys(tx, [unheard])


async def test_only_credited_conversions_can_be_judged(harness: Harness) -> None:
    await harness.deliver(credited("c1"))
    async with harness.transaction() as tx:
        assert (await verdicts.lock(tx, ["c1", "c2"])).keys() == {"c1"}
        assert (await conversions.decided(tx, ["c1", "c2"])).keys() == {"c1"}


@pytest.mark.parametrize("rows", [200, 20_000])
async def test_the_cost_of_a_credit_does_not_grow_with_the_data(
    harness: Harness, rows: int
) -> None:
    """The plan of the heaviest query reads as many rows of a crowded place, however many it has."""
    async with harness.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO windows
            SELECT 'c' || lpad(n::text, 6, '0'), 'ann', 'home', $2::timestamptz + make_interval(
                       secs => n * 0.1), $2, 't' || n
              FROM generate_series(1, $1::integer) AS n
            """,
            rows,
            NOON,
        )
        await tx.execute("ANALYZE windows")
        before = await _blocks(tx)
        row = window(rows, rows / 600)
        await windows.crowds(tx, [(of(row), policy())])
        await windows.neighbours(tx, [window(rows // 2, rows / 1_200)])
        assert await _blocks(tx) - before < 60


async def _blocks(tx) -> int:
    """Blocks of windows and its indexes that this transaction has read so far."""
    return int(
        await tx.fetchval(
            """
            SELECT pg_stat_get_xact_tuples_fetched('windows'::regclass)
                 + pg_stat_get_xact_tuples_returned('windows_by_place'::regclass)
            """
        )
    )
