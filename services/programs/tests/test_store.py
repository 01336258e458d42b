"""What lies in the database: nothing in plain, nothing that can be rewritten."""

import asyncpg
import pytest
from programs.api.gate import Actor
from programs.api.office import Office
from programs.domain import Organisation, Role
from programs.handlers.desk import Desk
from programs.store import loading
from programs.store.vault import Vault, WrongMasterKey
from service_kit.testing import Harness

from .builders import document

ROOT = Actor("root", frozenset(Role))


def test_a_key_at_rest_opens_with_its_master_key_and_under_its_own_id_only() -> None:
    vault = Vault("one master key")
    stored = vault.lock("k1", "secret")
    assert b"secret" not in stored
    assert vault.unlock("k1", stored) == "secret"
    for other, key_id in ((vault, "k2"), (Vault("another"), "k1")):
        with pytest.raises(WrongMasterKey):
            other.unlock(key_id, stored)


@pytest.mark.real
async def test_what_was_applied_is_loaded_as_it_was_decided(harness: Harness) -> None:
    office = Office(harness.runtime, Desk.of(harness.runtime.settings))
    outcome = await office.apply(Organisation.model_validate(document()), ROOT)
    async with harness.transaction() as tx:
        wanted = loading.Wanted(participants=["ann"], codes=["ANN-1"], keys=["web"])
        assert await loading.load(tx, wanted) == outcome.after


@pytest.mark.real
async def test_the_audit_trail_cannot_be_changed_or_emptied(harness: Harness) -> None:
    office = Office(harness.runtime, Desk.of(harness.runtime.settings))
    await office.apply(Organisation.model_validate(document()), ROOT)
    for sql in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await harness.fetch(sql)
    rows = await harness.fetch("SELECT change_id, actor FROM audit ORDER BY change_id")
    assert {row["actor"] for row in rows} == {"root"}
    assert len(rows) == 5


@pytest.mark.real
async def test_no_address_name_raw_key_or_private_key_is_in_any_table(harness: Harness) -> None:
    office = Office(harness.runtime, Desk.of(harness.runtime.settings))
    outcome = await office.apply(Organisation.model_validate(document()), ROOT)
    tables = await harness.fetch(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'kit')"
    )
    dump = ""
    for row in tables:
        for found in await harness.fetch(f'SELECT * FROM {row["schemaname"]}."{row["tablename"]}"'):
            dump += " ".join(
                bytes(value).decode("latin-1") if isinstance(value, bytes) else str(value)
                for value in found.values()
            )
    for secret in ("ann@example.com", "Ann Example", outcome.raw_keys["web"]):
        assert secret not in dump
