"""Who may do what, and how the admin API refuses."""

import re

import pytest
from httpx import AsyncClient as Client
from litestar import Litestar
from programs.domain import Role
from service_kit.testing import Harness

from .asking import ROOT, admin
from .builders import document, key

pytestmark = pytest.mark.real
WHY = {"reason": "a test"}


def routes_of(app: Litestar) -> list[tuple[str, str]]:
    """Every method and path of ours, with made-up ids."""
    return [
        (method, re.sub(r"[{}]", "", route.path_format))
        for route in app.routes
        for method in sorted(getattr(route, "methods", set()) - {"OPTIONS"})
        if route.path_format.startswith("/v1/")
    ]


async def test_every_route_asks_for_a_key(client: Client, app: Litestar) -> None:
    for method, path in routes_of(app):
        for headers in ({}, {"Authorization": "Bearer gw_ak_x"}, {"Authorization": "Basic eDp5"}):
            answer = await client.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path)


async def test_every_route_asks_for_its_role(client: Client, app: Litestar) -> None:
    nobody = await admin(client, "fraud.review", name="nobody")
    for method, path in routes_of(app):
        expected = 401 if path == "/v1/contact-keys" else 403
        answer = await client.request(method, path, headers=nobody)
        assert answer.status_code == expected, (method, path)


async def test_apply_asks_for_the_role_of_each_change(client: Client, harness: Harness) -> None:
    some = await admin(client, "read", "programs.write")
    answer = await client.post("/v1/apply", json={"document": document()}, headers=some)
    assert answer.status_code == 403
    assert "keys.write" in answer.json()["detail"]
    only = document(participants=[], links=[], keys=[])
    done = await client.post("/v1/apply", json={"document": only}, headers=some)
    assert done.status_code == 200
    rows = await harness.fetch("SELECT DISTINCT actor FROM audit WHERE kind = 'program'")
    assert [row["actor"] for row in rows] == ["ops-person"]


async def test_nobody_grants_or_takes_over_roles_that_they_lack(client: Client) -> None:
    some = await admin(client, "keys.write", "read")
    await admin(client, "programs.write", name="boss")
    body = {"id": "mine", "kind": "admin", "actor": "me", "scopes": ["programs.write"]}
    assert (await client.post("/v1/keys", json=body, headers=some)).status_code == 403
    taken = await client.post("/v1/keys/boss/rotate", json=WHY, headers=some)
    assert taken.status_code == 403


async def test_an_expired_key_is_refused_and_a_known_id_conflicts(client: Client) -> None:
    body = {"id": "old", "kind": "admin", "actor": "me", "scopes": ["read"]}
    body["expires"] = "2020-01-01T00:00:00Z"
    raw = (await client.post("/v1/keys", json=body, headers=ROOT)).json()["raw"]
    answer = await client.get("/v1/keys", headers={"Authorization": f"Bearer {raw}"})
    assert answer.status_code == 401
    assert (await client.post("/v1/keys", json=body, headers=ROOT)).status_code == 409


BAD = [
    ("POST", "/v1/plan", b"{"),
    ("POST", "/v1/plan", b'{"document": 5}'),
    ("POST", "/v1/plan", b"[]"),
    ("POST", "/v1/plan", b'{"document": {}, "more": 1}'),
    ("POST", "/v1/apply", b'{"document": {"links": [{"code": "\\u0000"}]}}'),
    ("POST", "/v1/apply", b'{"document": {"programs": [{"hold": 9223372036854775808}]}}'),
    ("POST", "/v1/apply", b"\xff\xfe"),
    ("POST", "/v1/participants", b'{"id": "\\ud800"}'),
    ("PATCH", "/v1/participants/ann", b'{"tier": "\\u0000"}'),
    ("PATCH", "/v1/participants/ann", b'{"nonsense": 1}'),
    ("POST", "/v1/keys", b'{"id": "k", "kind": "day"}'),
    ("GET", "/v1/participants/%00", b""),
    ("GET", "/v1/links/%F0%9F%92%A9", b""),
    ("GET", "/v1/participants?limit=0", b""),
    ("GET", "/v1/participants?limit=x", b""),
    ("GET", "/v1/participants?after=%00", b""),
    ("GET", "/v1/audit?kind=%00", b""),
    ("POST", "/v1/subjects/%00/forget", b'{"reason": "x"}'),
    ("POST", "/v1/subjects/ann/forget", b'{"reason": "\\u0000"}'),
    ("POST", "/v1/keys/web/rotate", b'{"reason": "x", "overlap": "9y"}'),
    ("DELETE", "/v1/keys/web", b""),
]


async def test_bad_input_gets_a_clear_refusal(client: Client) -> None:
    for method, path, body in BAD:
        answer = await client.request(method, path, content=body or None, headers=ROOT)
        assert 400 <= answer.status_code < 500, (method, path, body[:60], answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_the_document_says_of_every_route_how_it_is_opened(
    app: Litestar, client: Client
) -> None:
    document = app.openapi_schema.to_schema()
    assert set(document["components"]["securitySchemes"]) == {"adminKey", "contactToken"}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            asked = path.replace("{", "").replace("}", "")
            answer = await client.request(method, asked)
            (named,) = operation["security"]
            scheme = "contactToken" if path == "/v1/contact-keys" else "adminKey"
            assert (answer.status_code, list(named)) == (401, [scheme]), (method, path)


def test_every_operation_is_described(app: Litestar) -> None:
    for path, item in app.openapi_schema.to_schema()["paths"].items():
        for operation in item.values():
            assert operation["summary"], path


async def test_every_role_is_one_that_a_key_may_have(client: Client) -> None:
    assert (await admin(client, *Role))["Authorization"].startswith("Bearer gw_ak_")
    wrong = key(id="x", kind="admin", market=None, source=None, actor="me", scopes=["raed"])
    answer = await client.post("/v1/keys", json=wrong, headers=ROOT)
    assert answer.status_code == 422
    assert "did you mean 'read'?" in answer.text
