"""The admin API: every route, every role, every refusal."""

import asyncio

import pytest
from httpx import AsyncClient as Client
from service_kit.testing import Harness
from shared_schemas.events.contacts import ContactForgotten, ContactSealed
from shared_schemas.events.programs import (
    KeyIssued,
    KeyRevoked,
    LinkIssued,
    LinkRevoked,
    ParticipantChanged,
    ParticipantDeactivated,
    ProgramPaused,
)
from shared_schemas.keys import api_key_hash
from shared_schemas.sealed import open_with

from .asking import ROOT, admin, apply
from .builders import CONTACT_TOKEN, document, link, participant, program

pytestmark = pytest.mark.real
WHY = {"reason": "a test"}


async def test_plan_shows_apply_makes_and_the_same_again_changes_nothing(
    client: Client, harness: Harness
) -> None:
    body = {"document": document()}
    planned = (await client.post("/v1/plan", json=body, headers=ROOT)).json()
    assert planned["errors"] == []
    assert await harness.emitted_all() == []
    applied = await apply(client)
    assert applied["changes"] == planned["changes"]
    assert list(applied["keys"]) == ["web"]
    assert applied["keys"]["web"].startswith("gw_pk_")
    again = await apply(client)
    assert again == {"changes": [], "keys": {}}
    assert len(await harness.emitted_all()) == 6  # a contact beside the five parts


async def test_plan_and_apply_refuse_a_document_with_mistakes_whole(
    client: Client, harness: Harness
) -> None:
    body = {"document": document(links=[link(program="freinds")], programs=[program(hold="1s")])}
    planned = (await client.post("/v1/plan", json=body, headers=ROOT)).json()
    assert "did you mean 'friends'?" in str(planned["errors"])
    refused = await client.post("/v1/apply", json=body, headers=ROOT)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert "did you mean 'friends'?" in refused.json()["fields"]["links[0].program"]
    odd = {"document": {"programs": [program(hodl=1)]}}
    assert (await client.post("/v1/plan", json=odd, headers=ROOT)).json()["errors"]
    assert (await client.post("/v1/apply", json=odd, headers=ROOT)).status_code == 422
    assert await harness.emitted_all() == []


async def test_the_hash_of_an_issued_key_is_published_and_nothing_else_of_it(
    client: Client, harness: Harness
) -> None:
    raw = (await apply(client))["keys"]["web"]
    pepper = harness.runtime.settings.key_pepper.get_secret_value()
    (issued,) = await harness.emitted_all(KeyIssued)
    assert issued.data.hash == api_key_hash(pepper, raw)
    for path in ("/v1/keys", "/v1/keys/web", "/v1/audit"):
        shown = (await client.get(path, headers=ROOT)).text
        assert raw not in shown
        assert issued.data.hash not in shown


async def test_emitted_ids_follow_from_natural_ids(client: Client, harness: Harness) -> None:
    await apply(client)
    causes = {e.envelope.causation_id for e in await harness.emitted_all()}
    assert causes == {
        "market/eu/1",
        "program/friends/1",
        "participant/ann/1",
        "link/ANN-1/1",
        "key/web/1",
    }


async def test_keys_are_rotated_with_overlap_and_revoked(client: Client, harness: Harness) -> None:
    old = await admin(client, "read")
    rotated = await client.post("/v1/keys/ops/rotate", json={"overlap": "1h", **WHY}, headers=ROOT)
    new = {"Authorization": f"Bearer {rotated.json()['raw']}"}
    for headers in (old, new):
        assert (await client.get("/v1/keys", headers=headers)).status_code == 200
    for name in ("ops", "ops~retired-1"):
        revoked = await client.post(f"/v1/keys/{name}/revoke", json=WHY, headers=ROOT)
        assert revoked.json()["revoked_at"]
    for headers in (old, new):
        assert (await client.get("/v1/keys", headers=headers)).status_code == 401
    again = await client.post("/v1/keys/ops/revoke", json=WHY, headers=ROOT)
    assert again.status_code == 200
    assert len(await harness.emitted_all(KeyRevoked)) == 2
    assert (await client.post("/v1/keys/ops/rotate", json=WHY, headers=ROOT)).status_code == 409
    assert (await client.post("/v1/keys/none/rotate", json=WHY, headers=ROOT)).status_code == 404


async def test_programs_are_paused_resumed_and_ended(client: Client, harness: Harness) -> None:
    await apply(client)
    for _ in range(2):
        paused = await client.post("/v1/programs/friends/pause", json=WHY, headers=ROOT)
        assert paused.json()["status"] == "paused"
    assert len(await harness.emitted_all(ProgramPaused)) == 1
    resumed = await client.post("/v1/programs/friends/resume", json=WHY, headers=ROOT)
    assert [one["status"] for one in resumed.json()["statuses"]] == ["paused", "active"]
    await client.post("/v1/programs/friends/end", json=WHY, headers=ROOT)
    again = await client.post("/v1/programs/friends/resume", json=WHY, headers=ROOT)
    assert again.status_code == 409
    assert (await client.post("/v1/programs/x/pause", json=WHY, headers=ROOT)).status_code == 404
    assert (
        await client.post("/v1/programs/friends/pause", json={}, headers=ROOT)
    ).status_code == 422
    trail = await client.get("/v1/audit?kind=program&id=friends", headers=ROOT)
    assert [row["reason"] for row in trail.json()] == ["a test", "a test", "a test", ""]


async def test_participants_are_enrolled_changed_and_deactivated(
    client: Client, harness: Harness
) -> None:
    await apply(client, participants=[], links=[])
    first = await client.post("/v1/participants", json=participant(), headers=ROOT)
    again = await client.post("/v1/participants", json=participant(), headers=ROOT)
    other = await client.post("/v1/participants", json=participant(tier="gold"), headers=ROOT)
    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 409]
    assert again.json() == first.json()
    assert "example.com" not in first.text
    gold = await client.patch(
        "/v1/participants/ann", json={"tier": "gold", "customer_id": "c-1"}, headers=ROOT
    )
    assert [one["tier"] for one in gold.json()["history"]] == ["standard", "gold"]
    assert gold.json()["email_known"] is True
    gone = await client.post("/v1/participants/ann/deactivate", json=WHY, headers=ROOT)
    assert gone.json()["active"] is False
    assert len(await harness.emitted_all(ParticipantChanged)) == 1
    assert [e.data.reason for e in await harness.emitted_all(ParticipantDeactivated)] == ["a test"]
    assert (await client.patch("/v1/participants/x", json={}, headers=ROOT)).status_code == 404
    bad = await client.patch("/v1/participants/ann", json={"market": "us"}, headers=ROOT)
    assert bad.status_code == 422
    null = await client.patch("/v1/participants/ann", json={"group": None}, headers=ROOT)
    assert null.status_code == 422


async def test_links_are_issued_reassigned_and_revoked(client: Client, harness: Harness) -> None:
    await apply(client, participants=[participant(), participant(id="bob")], links=[])
    first = await client.post("/v1/links", json=link(), headers=ROOT)
    again = await client.post("/v1/links", json=link(), headers=ROOT)
    other = await client.post("/v1/links", json=link(participant="bob"), headers=ROOT)
    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 409]
    given = await client.post(
        "/v1/links/ANN-1/reassign", json={"participant": "bob", **WHY}, headers=ROOT
    )
    assert [one["participant_id"] for one in given.json()["history"]] == ["ann", "bob"]
    revoked = await client.post("/v1/links/ANN-1/revoke", json=WHY, headers=ROOT)
    assert revoked.json()["state"] == "revoked"
    assert len(await harness.emitted_all(LinkIssued, LinkRevoked)) == 3
    over = await client.post(
        "/v1/links/ANN-1/reassign", json={"participant": "ann", **WHY}, headers=ROOT
    )
    assert over.status_code == 409
    assert (await client.get("/v1/links/NOPE", headers=ROOT)).status_code == 404
    mine = await client.get("/v1/links?participant=bob", headers=ROOT)
    assert [one["code"] for one in mine.json()] == ["ANN-1"]


async def test_two_who_issue_the_same_code_at_once_get_one_link(client: Client) -> None:
    await apply(client, participants=[participant(), participant(id="bob")], links=[])
    bodies = [link(participant=who) for who in ("ann", "bob") * 4]
    answers = await asyncio.gather(
        *(client.post("/v1/links", json=body, headers=ROOT) for body in bodies)
    )
    assert sorted({answer.status_code for answer in answers}) == [200, 201, 409]
    assert [answer.status_code for answer in answers].count(201) == 1


async def test_a_contacts_key_is_given_to_two_services_until_it_is_forgotten(
    client: Client, harness: Harness
) -> None:
    await apply(client)
    (sealed,) = await harness.emitted_all(ContactSealed)
    key_id = sealed.data.sealed.key_id
    body, token = {"key_ids": [key_id, "unknown"]}, {"Authorization": f"Bearer {CONTACT_TOKEN}"}
    keys = (await client.post("/v1/contact-keys", json=body, headers=token)).json()
    assert open_with(keys[key_id], sealed.data.sealed)["email"] == "ann@example.com"
    assert (await client.post("/v1/contact-keys", json=body, headers=ROOT)).status_code == 401
    for _ in range(2):
        forgotten = await client.post("/v1/subjects/ann/forget", json=WHY, headers=ROOT)
        assert forgotten.json()["sealed"] is False
    assert (await client.post("/v1/contact-keys", json=body, headers=token)).json() == {}
    assert len(await harness.emitted_all(ContactForgotten)) == 1
    (changed,) = await harness.emitted_all(ParticipantChanged)
    assert changed.data.email_hash is None
    assert (await client.post("/v1/subjects/x/forget", json=WHY, headers=ROOT)).status_code == 404
    await apply(client)  # the document still names the address: sealed anew, under another key
    newest = (await harness.emitted_all(ContactSealed))[-1]
    assert newest.data.sealed.key_id != key_id


async def test_pages_go_on_after_the_last_id(client: Client) -> None:
    people = [participant(id=f"p{n}", email=f"p{n}@example.com") for n in range(5)]
    await apply(client, participants=people, links=[])
    first = await client.get("/v1/participants?limit=3", headers=ROOT)
    rest = await client.get("/v1/participants?limit=3&after=p2", headers=ROOT)
    assert [one["id"] for one in (*first.json(), *rest.json())] == [f"p{n}" for n in range(5)]


async def test_markets_and_programs_are_listed_with_their_versions(client: Client) -> None:
    await apply(client)
    await apply(client, programs=[program(hold="1d")])
    shown = (await client.get("/v1/programs/friends", headers=ROOT)).json()
    assert [one["hold_seconds"] for one in shown["versions"]] == [5, 86_400]
    assert [one["id"] for one in (await client.get("/v1/programs", headers=ROOT)).json()] == [
        "friends"
    ]
    assert (await client.get("/v1/markets/eu", headers=ROOT)).json()["versions"][0]["version"] == 1
    assert [one["id"] for one in (await client.get("/v1/markets", headers=ROOT)).json()] == ["eu"]
    for path in ("/v1/markets/x", "/v1/programs/x", "/v1/keys/x", "/v1/subjects/x"):
        assert (await client.get(path, headers=ROOT)).status_code == 404
