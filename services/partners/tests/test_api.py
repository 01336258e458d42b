"""The partners' API: every route, every refusal."""

import asyncio
import csv
import io
import re
from datetime import timedelta

import pytest
import pytest_asyncio
from httpx import AsyncClient as Client
from litestar import Litestar
from partners.settings import Settings
from service_kit.testing import Harness, event
from shared_schemas.events.partners import CampaignLaunched, PartnerOnboarded
from shared_schemas.events.rewards import RewardFulfilled

from .builders import NOON, RAW, admin_key, campaign, enrolled, link, partner, reward

pytestmark = pytest.mark.real
PAM = {"Authorization": f"Bearer {RAW}"}


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def known(harness: Harness[Settings]) -> None:
    """An admin key and a participant are known."""
    await harness.hear_table(event(admin_key(), at=NOON), event(enrolled(), at=NOON))


def routes_of(app: Litestar) -> list[tuple[str, str]]:
    """Every method and path of ours, with made-up ids."""
    return [
        (method, re.sub(r"[{}]", "", route.path_format))
        for route in app.routes
        for method in sorted(getattr(route, "methods", set()) - {"OPTIONS"})
        if route.path_format.startswith("/v1/")
    ]


async def onboard(client: Client) -> None:
    answer = await client.post("/v1/partners", json=partner(), headers=PAM)
    assert answer.status_code == 201, answer.text


async def test_a_partner_is_onboarded_once(client: Client, harness: Harness[Settings]) -> None:
    await onboard(client)
    again = await client.post("/v1/partners", json=partner(), headers=PAM)
    other = await client.post("/v1/partners", json=partner(name="Other"), headers=PAM)
    second = await client.post("/v1/partners", json=partner(partner_id="b"), headers=PAM)
    assert [again.status_code, other.status_code, second.status_code] == [200, 409, 409]
    (emitted,) = await harness.emitted_all(PartnerOnboarded)
    assert emitted.data.actor == "pam"
    assert emitted.envelope.causation_id == "partner/acme/1"
    assert (await client.get("/v1/partners/acme", headers=PAM)).json() == again.json()
    assert len((await client.get("/v1/partners", headers=PAM)).json()) == 1


async def test_a_partner_without_participant_is_refused(client: Client) -> None:
    wrong = partner(participant_id="nobody")
    answer = await client.post("/v1/partners", json=wrong, headers=PAM)
    assert answer.status_code == 409
    assert "enrol it first" in answer.json()["detail"]


async def test_a_campaign_is_launched_once_and_tells_of_its_codes(
    client: Client, harness: Harness[Settings]
) -> None:
    await onboard(client)
    path = "/v1/partners/acme/campaigns"
    first = await client.post(path, json=campaign(), headers=PAM)
    again = await client.post(path, json=campaign(), headers=PAM)
    other = await client.post(path, json=campaign(name="Other"), headers=PAM)
    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 409]
    (launched,) = await harness.emitted_all(CampaignLaunched)
    assert launched.data.participant_id == "acme-p"
    assert [one["state"] for one in first.json()["codes"]] == ["awaited", "awaited"]
    await harness.hear_table(event(link("ACME-1", campaign_id="spring"), at=NOON))
    shown = (await client.get(f"{path}/spring", headers=PAM)).json()
    assert [one["state"] for one in shown["codes"]] == ["active", "awaited"]
    assert (await client.get(path, headers=PAM)).json() == [shown]
    taken = campaign(campaign_id="summer", codes=["ACME-2"])
    assert (await client.post(path, json=taken, headers=PAM)).status_code == 409
    await harness.hear_table(event(link("PAPER"), at=NOON))
    taken = campaign(campaign_id="summer", codes=["PAPER"])
    assert (await client.post(path, json=taken, headers=PAM)).status_code == 409
    nobody = await client.post("/v1/partners/nobody/campaigns", json=campaign(), headers=PAM)
    assert nobody.status_code == 404
    assert (await client.get(f"{path}/none", headers=PAM)).status_code == 404


async def test_two_who_launch_the_same_campaign_at_once_launch_one(
    client: Client, harness: Harness[Settings]
) -> None:
    await onboard(client)
    bodies = [campaign(name=name) for name in ("One", "Two") * 3]
    answers = await asyncio.gather(
        *(client.post("/v1/partners/acme/campaigns", json=b, headers=PAM) for b in bodies)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201, 409, 409, 409]
    assert len(await harness.emitted_all(CampaignLaunched)) == 1


async def earn(client: Client, harness: Harness[Settings]) -> None:
    """Two rewards, one within the campaign, one of before it."""
    await onboard(client)
    await client.post("/v1/partners/acme/campaigns", json=campaign(), headers=PAM)
    early = NOON - timedelta(days=9)
    await harness.deliver(
        event(reward(pending_minor=500), at=NOON),
        event(
            reward(
                RewardFulfilled,
                revision=2,
                paid_minor=500,
                state="fulfilled",
                posted_at=NOON + timedelta(days=40),
            ),
            at=NOON + timedelta(days=40),
        ),
        event(reward(reward_id="r2", paid_minor=70, occurred_at=early), at=NOON),
    )


async def test_a_statement_tells_amounts_by_month_and_campaign(
    client: Client, harness: Harness[Settings]
) -> None:
    await earn(client, harness)
    shown = (await client.get("/v1/partners/acme/statement", headers=PAM)).json()
    lines = [
        (one["month"], one["campaign_id"], one["pending_minor"], one["paid_minor"])
        for one in shown["by_campaign"]
    ]
    assert lines == [
        ("2026-11", "spring", 500, 0),
        ("2026-11", None, 0, 70),
        ("2026-12", "spring", -500, 500),
    ]
    assert [(one["month"], one["paid_minor"]) for one in shown["totals"]] == [
        ("2026-11", 70),
        ("2026-12", 500),
    ]


async def test_a_statement_is_a_table_too_and_shows_its_evidence(
    client: Client, harness: Harness[Settings]
) -> None:
    await earn(client, harness)
    table = await client.get("/v1/partners/acme/statement.csv", headers=PAM)
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [(row["campaign"], row["pending"], row["paid"]) for row in rows] == [
        ("spring", "5.00", "0.00"),
        ("", "0.00", "0.70"),
        ("spring", "-5.00", "5.00"),
    ]
    path = "/v1/partners/acme/statement/movements?limit=2"
    page = (await client.get(path, headers=PAM)).json()
    rest = (await client.get(f"{path}&after=r1&after_revision=2", headers=PAM)).json()
    assert [(one["reward_id"], one["revision"]) for one in (*page, *rest)] == [
        ("r1", 1),
        ("r1", 2),
        ("r2", 1),
    ]
    for name in ("statement", "statement.csv", "statement/movements"):
        answer = await client.get(f"/v1/partners/nobody/{name}", headers=PAM)
        assert answer.status_code == 404


async def test_every_route_asks_for_a_key_and_its_role(
    client: Client, app: Litestar, harness: Harness[Settings]
) -> None:
    nobody = admin_key("gw_ak_nobody", key_id="nobody", scopes=("read",))
    over = admin_key("gw_ak_expired", key_id="expired", expires_at=NOON - timedelta(days=9_000))
    await harness.hear_table(event(nobody, at=NOON), event(over, at=NOON))
    for method, path in routes_of(app):
        for raw, status in (
            ("", 401),
            ("gw_ak_x", 401),
            ("gw_ak_expired", 401),
            ("gw_ak_nobody", 403),
        ):
            headers = {"Authorization": f"Bearer {raw}"}
            answer = await client.request(method, path, headers=headers)
            assert answer.status_code == status, (method, path, raw)


async def test_reading_is_not_writing(client: Client, harness: Harness[Settings]) -> None:
    reader = admin_key("gw_ak_reader", key_id="reader", scopes=("partners.read",))
    await harness.hear_table(event(reader, at=NOON))
    headers = {"Authorization": "Bearer gw_ak_reader"}
    assert (await client.get("/v1/partners", headers=headers)).status_code == 200
    assert (await client.post("/v1/partners", json=partner(), headers=headers)).status_code == 403


BAD = [
    ("POST", "/v1/partners", b"{"),
    ("POST", "/v1/partners", b"[]"),
    ("POST", "/v1/partners", b"\xff"),
    ("POST", "/v1/partners", b'{"partner_id": "\\u0000"}'),
    ("POST", "/v1/partners", b'{"partner_id": "a", "more": 1}'),
    ("POST", "/v1/partners/acme/campaigns", b'{"codes": "x"}'),
    ("GET", "/v1/partners/%00", b""),
    ("GET", "/v1/partners?after=%00", b""),
    ("GET", "/v1/partners?limit=9999", b""),
    ("GET", "/v1/partners/acme/statement/movements?after_revision=9999999999", b""),
    ("DELETE", "/v1/partners/acme", b""),
]


async def test_bad_input_gets_a_clear_refusal(client: Client) -> None:
    for method, path, body in BAD:
        answer = await client.request(method, path, content=body or None, headers=PAM)
        assert 400 <= answer.status_code < 500, (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_document_says_of_every_route_how_it_is_opened(
    app: Litestar, client: Client
) -> None:
    document = app.openapi_schema.to_schema()
    assert document["components"]["securitySchemes"]["adminKey"]["scheme"] == "bearer"
    for path, item in document["paths"].items():
        for method, operation in item.items():
            asked = path.replace("{", "").replace("}", "")
            answer = await client.request(method, asked)
            (named,) = operation["security"]
            assert (answer.status_code, list(named)) == (401, ["adminKey"]), (method, path)


def test_every_operation_is_described(app: Litestar) -> None:
    for path, item in app.openapi_schema.to_schema()["paths"].items():
        for operation in item.values():
            assert operation["summary"], path
