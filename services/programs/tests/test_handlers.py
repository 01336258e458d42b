"""What the control plane hears and what falls due, on a real database."""

import asyncio
import itertools
from datetime import datetime, timedelta

import pytest
from programs.api.gate import Actor
from programs.api.office import Office
from programs.domain import Organisation, Role
from programs.handlers.clockwork import keep_day_keys, keep_root_key
from programs.handlers.desk import Desk
from programs.store import people
from service_kit.testing import EPOCH, Given, Harness, event
from shared_schemas.events.contacts import ContactForgotten, ContactSealed, ContactSubmitted
from shared_schemas.events.partners import CampaignLaunched
from shared_schemas.events.programs import KeyIssued, KeyRevoked, LinkIssued
from shared_schemas.sealed import Sealed, open_with, seal_to_public
from shared_schemas.states import LinkState

from .builders import NOON, document, participant, program

pytestmark = pytest.mark.real
ROOT = Actor("root", frozenset(Role))


async def day_keys(harness: Harness, at: datetime = NOON) -> dict[str, str]:
    async with harness.transaction() as tx:
        await keep_day_keys(Desk.of(harness.runtime.settings), tx, at, None)
    await harness.fire_due(until=EPOCH)  # what was emitted so far is not of the call tested
    return {e.data.key_id: e.data.public_key for e in await harness.emitted_all(KeyIssued)}


async def applied(harness: Harness, **given: object) -> None:
    office = Office(harness.runtime, Desk.of(harness.runtime.settings))
    await office.apply(Organisation.model_validate(document(**given)), ROOT)
    await harness.fire_due(until=EPOCH)


def submitted(
    public: dict[str, str], *, subject: str = "s1", n: int = 1, at: datetime = NOON
) -> Given:
    key_id = f"day-{NOON.date().isoformat()}"
    contact = {"email": f"mail{n}@example.com", "name": f"Nr {n}", "unknown": "dropped"}
    data = ContactSubmitted(
        subject=subject,
        event_id=f"e{n}",
        sealed=seal_to_public(public[key_id], key_id, contact),
        language="de",
        submitted_at=at,
    )
    return event(data, at=at, id=f"{subject}/e{n}")


def campaign(**given: object) -> CampaignLaunched:
    return CampaignLaunched.model_validate(
        {
            "campaign_id": "spring",
            "revision": 1,
            "partner_id": "acme",
            "participant_id": "acme-p",
            "program_id": "resellers",
            "market_id": "eu",
            "name": "Spring",
            "starts_at": NOON - timedelta(hours=1),
            "ends_at": NOON + timedelta(days=30),
            "destination": "https://shop.example.com/acme",
            "codes": ["ACME-1", "ACME-2"],
            "launched_at": NOON,
            "actor": "pam",
        }
        | given
    )


def for_partners() -> dict[str, object]:
    return {
        "programs": [program(), program(id="resellers", group="partner")],
        "participants": [
            participant(),
            participant(id="acme-p", group="partner", email="acme@example.com"),
        ],
    }


async def test_day_keys_are_there_thirty_days_ahead_and_made_once(harness: Harness) -> None:
    assert len(await day_keys(harness)) == 31
    assert len(await day_keys(harness)) == 31
    await harness.fire_due(until=NOON + timedelta(days=1))
    (one,) = harness.emitted(KeyIssued)
    assert one.data.key_id == "day-2026-12-03"
    assert one.data.valid_from == datetime.fromisoformat("2026-12-03T00:00:00Z")


async def test_day_keys_are_destroyed_after_the_window_and_contacts_then_forgotten(
    harness: Harness,
) -> None:
    public = await day_keys(harness)
    await harness.fire_due(until=NOON + timedelta(days=8))
    assert [e.data.key_id for e in harness.emitted(KeyRevoked)] == ["day-2026-11-02"]
    await harness.deliver(submitted(public))
    assert harness.emitted() == []
    assert await harness.fetch("SELECT 1 FROM contacts") == []


async def test_a_contact_is_sealed_again_under_its_subjects_own_key(harness: Harness) -> None:
    public = await day_keys(harness)
    await harness.deliver(submitted(public))
    (sealed,) = harness.emitted(ContactSealed)
    async with harness.transaction() as tx:
        office = Office(harness.runtime, Desk.of(harness.runtime.settings))
        keys = await people.keys_by_id(tx, office.desk.vault, [sealed.data.sealed.key_id])
    opened = open_with(keys[sealed.data.sealed.key_id], sealed.data.sealed)
    assert opened == {"email": "mail1@example.com", "name": "Nr 1"}


async def test_the_newest_contact_is_kept_in_any_order_twice_and_without_inbox(
    harness: Harness,
) -> None:
    public = await day_keys(harness)
    given = []
    for number, order in enumerate(itertools.permutations((1, 2, 3))):
        for n in order:
            at = NOON + timedelta(seconds=n)
            given.append(submitted(public, subject=f"s{number}", n=n, at=at))
            await harness.deliver(given[-1])
    before = await harness.snapshot()
    assert {row["event_id"] for row in before["contacts"]} == {"e3"}
    await harness.fetch("DELETE FROM kit.inbox")
    await harness.deliver(*reversed(given), given[0])
    assert harness.emitted() == []
    assert await harness.snapshot() == before


async def test_a_contact_that_was_tampered_with_is_parked_alone(harness: Harness) -> None:
    public = await day_keys(harness)
    good = submitted(public, n=1)
    broken = submitted(public, n=2, subject="s2")
    torn = broken.data.model_copy(
        update={"sealed": Sealed(key_id=broken.data.sealed.key_id, ciphertext="AAAA")}
    )
    await harness.deliver(good, event(torn, at=NOON), strict=False)
    assert len(await harness.parked()) == 1
    assert [e.data.subject for e in harness.emitted(ContactSealed)] == ["s1"]


async def test_a_batch_costs_as_many_statements_for_a_hundred_contacts_as_for_one(
    harness: Harness,
) -> None:
    public = await day_keys(harness)
    await harness.deliver(submitted(public, subject="first", n=1))
    one = harness.statements
    await harness.deliver(*(submitted(public, subject=f"s{n}", n=n) for n in range(2, 102)))
    assert harness.statements == one


async def test_a_batch_costs_as_many_statements_for_many_campaigns_as_for_one(
    harness: Harness,
) -> None:
    await applied(harness, **for_partners())
    await harness.deliver(event(campaign(), at=NOON))
    one = harness.statements
    many = [campaign(campaign_id=f"c{n}", codes=[f"C-{n}"]) for n in range(100)]
    await harness.deliver(*(event(each, at=NOON) for each in many))
    assert len(harness.emitted(LinkIssued)) == 100
    assert harness.statements == one


async def test_a_campaign_becomes_links_with_its_end_once(harness: Harness) -> None:
    await applied(harness, **for_partners())
    await harness.deliver(event(campaign(), at=NOON))
    issued = [e.data for e in harness.emitted(LinkIssued)]
    assert [(link.code, link.campaign_id, link.expires_at) for link in issued] == [
        ("ACME-1", "spring", NOON + timedelta(days=30)),
        ("ACME-2", "spring", NOON + timedelta(days=30)),
    ]
    assert [e.envelope.causation_id for e in harness.emitted(LinkIssued)] == [
        event(campaign(), at=NOON).envelope.event_id
    ] * 2
    before = await harness.snapshot()
    await harness.fetch("DELETE FROM kit.inbox")
    await harness.deliver(event(campaign(), at=NOON))
    assert harness.emitted() == []
    assert await harness.snapshot() == before


async def test_a_campaign_waits_for_its_program_and_participant(harness: Harness) -> None:
    await harness.deliver(event(campaign(), at=NOON))
    assert await harness.waiting() == [("program", "resellers")]
    await applied(harness, **for_partners())
    assert await harness.waiting() == []
    assert len(await harness.fetch("SELECT 1 FROM links WHERE code LIKE 'ACME-%'")) == 2


async def test_a_campaign_of_tomorrow_gets_its_links_tomorrow(harness: Harness) -> None:
    await applied(harness, **for_partners())
    await harness.deliver(event(campaign(starts_at=NOON + timedelta(days=1)), at=NOON))
    assert harness.emitted() == []
    await harness.fire_due(until=NOON + timedelta(days=1))
    issued = harness.emitted(LinkIssued)
    assert [e.data.issued_at for e in issued] == [NOON + timedelta(days=1)] * 2


async def test_a_campaign_with_a_taken_code_is_parked_with_the_reason(harness: Harness) -> None:
    await applied(harness, **for_partners())
    await harness.deliver(event(campaign(codes=["ANN-1"]), at=NOON), strict=False)
    (parked,) = await harness.parked()
    assert "belongs to campaign none" in parked.detail


async def test_links_expire_by_themselves(harness: Harness) -> None:
    await applied(harness, **for_partners())
    await harness.deliver(event(campaign(), at=NOON))
    await harness.fire_due(until=NOON + timedelta(days=30))
    expired = [e.data for e in harness.emitted(LinkIssued)]
    assert {(link.code, link.state) for link in expired} == {
        ("ACME-1", LinkState.EXPIRED),
        ("ACME-2", LinkState.EXPIRED),
    }


async def test_the_first_admin_key_is_published_once(harness: Harness) -> None:
    desk = Desk.of(harness.runtime.settings)
    for _ in range(2):
        async with harness.transaction() as tx:
            await keep_root_key(desk, tx, NOON, None)
    (issued,) = await harness.emitted_all(KeyIssued)
    assert (issued.data.key_id, issued.data.hash) == ("root", desk.root_hash)
    assert "partners.write" in issued.data.scopes


async def test_two_instances_seal_the_newest_contact_of_one_subject(harness: Harness) -> None:
    public = await day_keys(harness)
    events = [submitted(public, n=n, at=NOON + timedelta(seconds=n)) for n in range(1, 9)]
    await asyncio.gather(*(harness.deliver(each) for each in events))
    (row,) = await harness.fetch("SELECT event_id, revision FROM contacts")
    sealed = await harness.emitted_all(ContactSealed)
    assert row["event_id"] == "e8"
    assert sorted(e.data.revision for e in sealed) == list(range(1, row["revision"] + 1))
    assert await harness.emitted_all(ContactForgotten) == []
