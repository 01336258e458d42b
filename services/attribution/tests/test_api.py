"""What operators ask over HTTP: a decision with the facts behind it, a referral; never a 5xx."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from shared_schemas.events.attribution import ReferralOpened

from .builders import TOKEN, click, conversion_id, refund, sale

pytestmark = pytest.mark.real
ORDER = conversion_id("o1")


@pytest_asyncio.fixture(loop_scope="session")
async def http(harness) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(harness.app(), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://attribution.test", headers=headers
    ) as client:
        yield client


async def test_the_document_says_of_every_route_how_it_is_opened(http) -> None:
    document = (await http.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"]["operatorToken"]["scheme"] == "bearer"
    operations = [one for item in document["paths"].values() for one in item.values()]
    assert len(operations) == 2
    assert all(one["security"] == [{"operatorToken": []}] for one in operations)


async def test_a_conversion_shows_its_decision_and_the_facts_behind_it(harness, http) -> None:
    await harness.deliver(click("c1", 0), sale("o1", 10, customer="zoe"), refund("o1", 20, 1))
    answer = await http.get(f"/v1/conversions/{ORDER}")
    assert answer.status_code == 200
    told = answer.json()
    assert told["decision"]["shares"][0]["evidence"][0]["why"]
    assert told["decision"]["next_step"]
    assert told["reports"][0]["identifiers"] == ["customer:zoe", "visitor:v1"]
    assert told["reports"][0]["heard"]["source"] == "shop"
    assert told["reversals"][0]["amount_minor"] == 1


async def test_nobody_credited_is_shown_with_its_reason(harness, http) -> None:
    await harness.deliver(sale("o1", 10))
    told = (await http.get(f"/v1/conversions/{ORDER}")).json()
    assert told["decision"]["reason"] == "First report: no touch of a participant was found."
    assert "shares" not in told["decision"]


async def test_a_referral_shows_how_far_it_has_come(harness, http) -> None:
    await harness.deliver(click("c1", 0), sale("o1", 10, customer="zoe"))
    [opened] = harness.emitted(ReferralOpened)
    told = (await http.get(f"/v1/referrals/{opened.data.referral_id}")).json()
    assert (told["stage"], told["sale_ids"]) == ("won", [ORDER])


@pytest.mark.parametrize("path", ["/v1/conversions/x", "/v1/referrals/x"])
async def test_who_is_no_operator_sees_nothing(http, path: str) -> None:
    for authorization in ("", "Bearer wrong", f"Basic {TOKEN}"):
        answer = await http.get(path, headers={"Authorization": authorization})
        assert answer.status_code == 401
    assert (await http.post(path)).status_code == 405


@pytest.mark.parametrize("kind", ["conversions", "referrals"])
@pytest.mark.parametrize("name", ["unknown", "a\x00b", "x" * 201, "é", "../../etc", "%"])
async def test_any_id_gets_an_answer_of_its_own(http, kind: str, name: str) -> None:
    answer = await http.get(f"/v1/{kind}/{quote(name, safe='')}")
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"].startswith("application/problem+json")
