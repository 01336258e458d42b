"""What partners hears, on a real database."""

import random

import pytest
from partners.settings import Settings
from partners.store import tables
from service_kit.testing import Harness, event
from shared_schemas.events.programs import KeyRevoked, ParticipantDeactivated
from shared_schemas.events.rewards import RewardApproved, RewardFulfilled
from shared_schemas.keys import KeyKind, api_key_hash
from shared_schemas.words import Group

from .builders import NOON, PEPPER, RAW, admin_key, enrolled, link, reward

pytestmark = pytest.mark.real


async def test_rewards_of_partners_are_kept_by_revision_in_any_order_and_once(
    harness: Harness[Settings],
) -> None:
    told = [
        event(reward(revision=1, pending_minor=100), at=NOON),
        event(reward(RewardApproved, revision=2, approved_minor=100), at=NOON),
        event(reward(RewardFulfilled, revision=3, paid_minor=100), at=NOON),
        event(reward(reward_id="r2", group="customer"), at=NOON),
    ]
    for one in reversed(told):
        await harness.deliver(one)
    before = await harness.snapshot()
    assert [row["revision"] for row in before["reward_revisions"]] == [1, 2, 3]
    await harness.fetch("DELETE FROM kit.inbox")
    random.Random(3).shuffle(told)
    await harness.deliver(*told, *told)
    assert await harness.snapshot() == before
    assert harness.emitted() == []


async def test_a_batch_costs_as_many_statements_for_a_hundred_rewards_as_for_one(
    harness: Harness[Settings],
) -> None:
    await harness.deliver(event(reward(reward_id="first"), at=NOON))
    one = harness.statements
    await harness.deliver(*(event(reward(reward_id=f"r{n}"), at=NOON) for n in range(100)))
    assert harness.statements == one


async def test_read_tables_keep_the_highest_revision_in_any_order(
    harness: Harness[Settings],
) -> None:
    gone = ParticipantDeactivated(**enrolled(active=False, revision=3).model_dump(), reason="left")
    told = [
        event(enrolled(), at=NOON),
        event(enrolled(group=Group.CUSTOMER, revision=2), at=NOON),
        event(gone, at=NOON),
        event(link("A"), at=NOON),
        event(link("A", revision=2, state="revoked"), at=NOON),
        event(admin_key(), at=NOON),
        event(admin_key(revision=2, scopes=("partners.read",)), at=NOON),
    ]
    await harness.hear_table(*reversed(told))
    first = await harness.snapshot()
    await harness.hear_table(*told, *told)
    for one in told:
        await harness.hear_table(one)
    assert await harness.snapshot() == first
    async with harness.transaction() as tx:
        participant = await tables.participant(tx, "acme-p")
        key = await tables.key_by_hash(tx, api_key_hash(PEPPER, RAW))
    assert participant is not None
    assert participant.active is False
    assert key is not None
    assert key.scopes == {"partners.read"}


async def test_a_revoked_key_is_no_key(harness: Harness[Settings]) -> None:
    revoked = KeyRevoked(key_id="ops", revision=2, kind=KeyKind.ADMIN, revoked_at=NOON)
    await harness.hear_table(event(revoked, at=NOON))
    await harness.hear_table(event(admin_key(), at=NOON))
    async with harness.transaction() as tx:
        assert await tables.key_by_hash(tx, api_key_hash(PEPPER, RAW)) is None
