"""Links over HTTP: generated codes, open redirects, QR codes."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy
import pytest
import pytest_asyncio
import zxingcpp
from httpx import AsyncClient as Client
from programs.__main__ import service
from programs.settings import Settings
from pydantic import ValidationError
from service_kit.testing import Harness, migrations_of
from shared_schemas.codes import canonical
from shared_schemas.destinations import Allowed
from shared_schemas.events.programs import LinkIssued

from .asking import ROOT, admin, apply
from .builders import link, settings
from .pictures import pixels_of

pytestmark = pytest.mark.real
TABLE = json.loads(
    (Path(__file__).parents[3] / "libs/shared-schemas/tests/open_redirects.json").read_text()
)
PAYLOADS = [
    trick.format(foreign=foreign, own=TABLE["own"])
    for trick in TABLE["tricks"]
    for foreign in TABLE["foreign"]
]
GO = {"link_url": "https://go.example.com", "destination_hosts": TABLE["own"]}


@pytest_asyncio.fixture(loop_scope="session")
async def harness(fresh_database) -> AsyncIterator[Harness[Settings]]:
    """The service with a public address and one allowed host."""
    template = service(settings("postgresql://nobody@localhost/none"))
    made = settings(await fresh_database("programs", migrations_of(template)), **GO)
    async with Harness(service(made), made.database.get_secret_value(), made) as running:
        yield running


def without_code(**given: object) -> dict[str, object]:
    return {name: value for name, value in link(**given).items() if name != "code"}


async def test_a_link_without_a_code_gets_a_generated_one_of_its_own(client: Client) -> None:
    await apply(client, links=[])
    answers = [await client.post("/v1/links", json=without_code(), headers=ROOT) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {201}
    codes = {answer.json()["code"] for answer in answers}
    assert len(codes) == 5
    assert all(canonical(code) == code for code in codes)


async def test_a_code_that_reads_like_a_mistyped_one_is_refused(client: Client) -> None:
    await apply(client, links=[])
    refused = await client.post("/v1/links", json=link(code="2222-2222"), headers=ROOT)
    assert refused.status_code == 422
    assert "typing error" in refused.json()["fields"]["links[0].code"]


async def test_targets_parameters_and_end_are_shown_as_they_were_given(client: Client) -> None:
    await apply(client, links=[])
    own = f"https://{TABLE['own']}"
    given = {
        "targets": [{"destination": f"{own}/de", "market": None, "language": "de"}],
        "parameters": {"utm_source": "friends"},
        "expires_at": "2099-01-01T00:00:00Z",
    }
    answer = await client.post("/v1/links", json=link(**given), headers=ROOT)
    assert answer.status_code == 201, answer.text
    assert {name: answer.json()[name] for name in given} == given
    again = await client.post("/v1/links", json=link(**given), headers=ROOT)
    assert again.status_code == 200
    moved = await client.post(
        "/v1/links/ANN-1/reassign", json={"participant": "ann", "reason": "x"}, headers=ROOT
    )
    assert {name: moved.json()[name] for name in given} == given


async def test_no_payload_becomes_a_link_that_leads_to_a_foreign_host(
    client: Client, harness: Harness
) -> None:
    await apply(client, links=[])
    for number, payload in enumerate(PAYLOADS):
        for given in (
            {"destination": payload},
            {"targets": [{"destination": payload, "language": "de"}]},
        ):
            body = link(code=f"X-{number}", **given)
            answer = await client.post("/v1/links", json=body, headers=ROOT)
            assert answer.status_code in (400, 422), (payload, answer.text)
    assert await harness.emitted_all(LinkIssued) == []


async def test_the_table_of_payloads_would_not_pass_for_want_of_links(client: Client) -> None:
    await apply(client, links=[])
    answer = await client.post("/v1/links", json=link(code="X-0"), headers=ROOT)
    assert answer.status_code == 201
    assert not any(Allowed.of("https,http", TABLE["own"]).allows(one) for one in PAYLOADS)


async def test_qr_codes_lead_to_the_public_address_of_the_link(client: Client) -> None:
    await apply(client)
    reader = await admin(client, "read")
    png = await client.get("/v1/links/ANN-1/qr.png?size=400", headers=reader)
    assert (png.status_code, png.headers["content-type"]) == (200, "image/png")
    picture = pixels_of(png.content)
    (found,) = zxingcpp.read_barcodes(numpy.ascontiguousarray(picture))
    assert found.text == "https://go.example.com/r/ANN-1"
    svg = await client.get("/v1/links/ANN-1/qr.svg?size=400&border=0&repair=H", headers=reader)
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert svg.headers["x-content-type-options"] == "nosniff"
    assert b'width="400' in svg.content


async def test_qr_codes_have_bounds_and_need_a_link_that_lives(client: Client) -> None:
    await apply(client)
    for query in ("size=63", "size=2049", "size=x", "border=17", "border=-1", "repair=X"):
        for kind in ("svg", "png"):
            answer = await client.get(f"/v1/links/ANN-1/qr.{kind}?{query}", headers=ROOT)
            assert 400 <= answer.status_code < 500, (kind, query)
            assert answer.headers["content-type"] == "application/problem+json"
    small = await client.get("/v1/links/ANN-1/qr.png?size=64&border=16&repair=H", headers=ROOT)
    assert small.status_code == 422
    assert "at least" in small.json()["fields"]["size"]
    assert (await client.get("/v1/links/NOPE/qr.svg", headers=ROOT)).status_code == 404
    await client.post("/v1/links/ANN-1/revoke", json={"reason": "over"}, headers=ROOT)
    assert (await client.get("/v1/links/ANN-1/qr.svg", headers=ROOT)).status_code == 409


async def test_without_a_public_address_there_is_no_qr_code(fresh_database) -> None:
    template = service(settings("postgresql://nobody@localhost/none"))
    made = settings(await fresh_database("programs", migrations_of(template)))
    async with Harness(service(made), made.database.get_secret_value(), made) as bare:
        transport = httpx.ASGITransport(bare.app(), raise_app_exceptions=False)
        async with Client(transport=transport, base_url="http://programs.test") as http:
            await apply(http)
            answer = await http.get("/v1/links/ANN-1/qr.svg", headers=ROOT)
            assert answer.status_code == 409
            assert "GOODWORD_LINK_URL" in answer.json()["detail"]


@pytest.mark.parametrize(
    "given",
    [
        {"destination_schemes": "ftp"},
        {"destination_hosts": "*"},
        {"link_url": "go.example.com"},
        {"link_url": "https://go.example.com/"},
    ],
)
def test_settings_that_mean_nothing_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings("postgresql://nobody@localhost/none", **given)
