"""The API: every route's guard, every refusal, and the way out of mails."""

import re

import pytest
from notifications.domain.tokens import unsubscribe_token
from shared_schemas.events.notifications import PreferenceChanged

from .builders import MASTER_KEY, NOW, admin_key, rewarded
from .conftest import AS_OPERATOR, House

pytestmark = pytest.mark.real
ROUTES = [
    ("POST", "/v1/endpoints", "webhooks.write"),
    ("GET", "/v1/endpoints", "read"),
    ("DELETE", "/v1/endpoints/x", "webhooks.write"),
    ("GET", "/v1/deliveries", "read"),
    ("POST", "/v1/deliveries/x/decide", "participants.write"),
    ("POST", "/v1/preferences", "participants.write"),
]


def bearer(raw: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {raw}"}


async def test_every_route_asks_for_a_key_and_its_scope(house: House) -> None:
    await house.harness.hear_table(
        admin_key("gw_ak_other", "links.write"),
        admin_key("gw_ak_old", "read", expires_at=NOW.replace(year=2020)),
        admin_key("gw_ak_able", *{scope for _, _, scope in ROUTES}),
    )
    for method, path, _ in ROUTES:
        codes = [
            (await house.client.request(method, path, headers=headers)).status_code
            for headers in (
                {},
                bearer("gw_ak_x"),
                bearer("gw_ak_old"),
                {"Authorization": b"Bearer \xe4"},
            )
        ]
        assert codes == [401] * 4, path
        other = await house.client.request(method, path, headers=bearer("gw_ak_other"))
        assert other.status_code == 403, path
        able = await house.client.request(method, path, headers=bearer("gw_ak_able"))
        assert able.status_code not in (401, 403), path
        assert able.status_code < 500


async def test_the_document_says_of_every_route_how_it_is_opened(house: House) -> None:
    document = house.app.openapi_schema.to_schema()
    assert set(document["components"]["securitySchemes"]) == {"adminKey", "operatorToken"}
    opened = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            asked = path.replace("{", "").replace("}", "")
            answer = await house.client.request(method, asked)
            schemes = [name for one in operation.get("security", ()) for name in one]
            opened[method.upper(), path] = schemes
            guarded = ["adminKey", "operatorToken"] if answer.status_code == 401 else []
            assert schemes == guarded, (method, path)
    assert (
        sorted(path for (_, path), schemes in opened.items() if not schemes)
        == ["/unsubscribe/{token}"] * 2
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": 1},
        {"url": "https://10.0.0.1/"},
        {"url": "gopher://x"},
        {"url": "https://hooks.example.com", "event_types": ["nonsense"]},
        {"url": "https://hooks.example.com", "odd": 1},
        {"url": "https://hooks.example.com", "description": "a\u0000"},
        [],
        "x",
    ],
)
async def test_bad_endpoints_are_refused_with_a_problem(house: House, body: object) -> None:
    answer = await house.client.post("/v1/endpoints", json=body, headers=AS_OPERATOR)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query", ["", "subject=a&reward_id=b", "subject=a&limit=0", "subject=%00", "limit=x"]
)
async def test_bad_questions_about_deliveries_are_refused(house: House, query: str) -> None:
    answer = await house.client.get(f"/v1/deliveries?{query}", headers=AS_OPERATOR)
    assert 400 <= answer.status_code < 500


async def test_an_endpoint_s_secret_is_shown_once(house: House) -> None:
    made = await house.endpoint(description="stock keeping")
    assert re.fullmatch(r"whsec_[\w+/=]{44}", made["secret"])
    (shown,) = (await house.client.get("/v1/endpoints", headers=AS_OPERATOR)).json()
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    path = f"/v1/endpoints/{made['endpoint_id']}"
    for _ in range(2):
        assert (await house.client.delete(path, headers=AS_OPERATOR)).status_code == 204
    assert (await house.client.delete("/v1/endpoints/x", headers=AS_OPERATOR)).status_code == 404
    (shown,) = (await house.client.get("/v1/endpoints", headers=AS_OPERATOR)).json()
    assert shown["disabled_reason"] == "ended by operator"


async def test_deliveries_are_found_by_subject_and_by_reward(house: House) -> None:
    await house.harness.deliver(rewarded(1), rewarded(2))
    by_subject = await house.client.get("/v1/deliveries?subject=ann", headers=AS_OPERATOR)
    by_reward = await house.client.get("/v1/deliveries?reward_id=r2", headers=AS_OPERATOR)
    assert (len(by_subject.json()), len(by_reward.json())) == (4, 2)
    one = by_reward.json()[0]
    path = f"/v1/deliveries/{one['delivery_id']}/decide"
    refused = await house.client.post(path, json={"was_sent": True}, headers=AS_OPERATOR)
    assert refused.status_code == 409


async def test_a_preference_is_published_once_for_each_change(house: House) -> None:
    for email, changed in (("digest", True), ("digest", False), ("each", True)):
        body = {"subject": "ann", "email": email}
        answer = await house.client.post("/v1/preferences", json=body, headers=AS_OPERATOR)
        assert answer.json() == {**body, "changed": changed}
    published = await house.harness.emitted_all(PreferenceChanged)
    assert [(e.data.email, e.data.revision) for e in published] == [("digest", 1), ("each", 2)]
    bad = {"subject": "ann", "email": "hourly"}
    answer = await house.client.post("/v1/preferences", json=bad, headers=AS_OPERATOR)
    assert answer.status_code == 422


async def test_the_way_out_of_mails_asks_first_and_needs_no_sign_in(house: House) -> None:
    path = f"/unsubscribe/{unsubscribe_token(MASTER_KEY, 'ann')}"
    page = await house.client.get(path)
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert await house.harness.emitted_all(PreferenceChanged) == []
    done = await house.client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    (changed,) = await house.harness.emitted_all(PreferenceChanged)
    assert (changed.data.subject, changed.data.email) == ("ann", "none")
    for bad in (path + "0", "/unsubscribe/x", "/unsubscribe/" + "x" * 2_000):
        assert 400 <= (await house.client.post(bad)).status_code < 500
