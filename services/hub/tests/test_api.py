"""The JSON twin, the sink for spans, one-time links and sessions."""

import httpx
import pytest
from hub.settings import Settings
from hub.store.sessions import MAX_OPEN_LOGINS
from service_kit.testing import Harness
from shared_schemas.events.hub import LoginRequested

from . import stories
from .builders import example
from .conftest import LogIn
from .test_spans import export, wire_span

pytestmark = pytest.mark.real

PAID, REJECTED = stories.paid(), stories.rejected()
TRACE = PAID.events[0].envelope.traceparent[3:35]  # type: ignore[index]
FORM = "application/x-www-form-urlencoded"


async def test_the_json_twin_needs_the_operator_token(
    stranger: httpx.AsyncClient, log_in: LogIn
) -> None:
    for client in (stranger, await log_in("ada"), await log_in("operator")):
        for path in ("/api/conversions", "/api/counts", f"/api/traces/{TRACE}", "/api/parked"):
            assert (await client.get(path)).status_code == 401


async def test_the_document_says_of_every_route_how_it_is_opened(
    stranger: httpx.AsyncClient,
) -> None:
    document = (await stranger.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"]["operatorToken"]["scheme"] == "bearer"
    assert {"/api/conversions", "/internal/logins"} <= set(document["paths"])
    for path, item in document["paths"].items():
        for method, operation in item.items():
            asked = path.replace("{", "").replace("}", "")
            answer = await stranger.request(method, asked)
            assert operation["security"] == [{"operatorToken": []}], path
            assert answer.status_code == 401, path


async def test_the_json_twin_tells_the_same_journey(
    harness: Harness[Settings], operator: httpx.AsyncClient
) -> None:
    await harness.deliver(*PAID.events)
    told = (await operator.get(f"/api/conversions/{PAID.conversion_id}")).json()
    names = [stage["name"] for stage in told["journey"]["stages"]]
    assert names == ["touches", "credit", "fraud", "reward", "payout", "message"]
    assert (told["journey"]["outcome"], told["journey"]["stopped_at"]) == ("paid", None)
    assert told["trace"]["trace_ids"] == [TRACE]
    assert "attribution -conversion.credited.v1-> rewards" in told["trace"]["missing"]
    assert not told["trace"]["complete"]
    for name in ("conversions", "rewards", "deliveries", "payouts", "verdicts"):
        assert len((await operator.get(f"/api/{name}")).json()[name]) == 1


async def test_the_json_twin_names_the_step_that_stopped_it(
    harness: Harness[Settings], operator: httpx.AsyncClient
) -> None:
    await harness.deliver(*REJECTED.events)
    told = (await operator.get(f"/api/conversions/{REJECTED.conversion_id}")).json()["journey"]
    assert (told["outcome"], told["cause"], told["stopped_at"]) == (
        "stopped",
        "fraud_rejected",
        "fraud",
    )


async def test_lists_are_filtered_and_paged(
    harness: Harness[Settings], operator: httpx.AsyncClient
) -> None:
    await harness.deliver(*(event for story in stories.ALL for event in story.events))
    answer = await operator.get("/api/conversions?state=unattributed&participant=ada")
    assert [row["id"] for row in answer.json()["conversions"]] == [
        stories.unattributed().conversion_id
    ]
    seen: list[str] = []
    query: dict[str, str] = {"limit": "4"}
    while rows := (await operator.get("/api/conversions", params=query)).json()["conversions"]:
        seen += [row["id"] for row in rows]
        query |= {"before_at": rows[-1]["at"], "before_id": rows[-1]["id"]}
    assert sorted(seen) == sorted(story.conversion_id for story in stories.ALL)


@pytest.mark.parametrize(
    "path",
    [
        "/api/conversions?limit=0",
        "/api/conversions?limit=x",
        "/api/conversions?before_at=yesterday",
        "/api/conversions?participant=%00",
        "/api/traces/xyz",
        f"/api/conversions/{'x' * 300}",
    ],
)
async def test_bad_input_is_a_problem_document(operator: httpx.AsyncClient, path: str) -> None:
    answer = await operator.get(path)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


async def test_spans_are_kept_once_and_close_their_edge(
    harness: Harness[Settings], operator: httpx.AsyncClient
) -> None:
    await harness.deliver(*PAID.events)
    span = wire_span(trace_id=bytes.fromhex(TRACE), name="rewards conversion.credited.v1")
    for _ in range(2):
        assert (await operator.post("/v1/traces", content=export(span))).status_code == 200
    kept = (await operator.get(f"/api/traces/{TRACE}")).json()["spans"]
    assert [(one["service"], one["attributes"]) for one in kept] == [("rewards", {})]
    told = (await operator.get(f"/api/conversions/{PAID.conversion_id}")).json()["trace"]
    assert "attribution -conversion.credited.v1-> rewards" not in told["missing"]


async def test_spans_come_from_this_machine_or_with_the_token(
    stranger: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    body, forwarded = export(wire_span()), {"x-forwarded-for": "192.0.2.7"}
    assert (await stranger.post("/v1/traces", content=body)).status_code == 200
    answer = await stranger.post("/v1/traces", content=body, headers=forwarded)
    assert answer.status_code == 401
    answer = await operator.post("/v1/traces", content=body, headers=forwarded)
    assert answer.status_code == 200


async def test_an_export_beyond_the_request_limit_is_refused(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/v1/traces", content=b"\0" * 1_000_001)
    assert answer.status_code == 413


async def test_a_link_works_once(operator: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    made = (await operator.post("/internal/logins", json={"subject": "ada"})).json()["url"]
    assert (await stranger.get(made)).status_code == 200
    assert (await stranger.post(made)).status_code == 303
    assert (await stranger.post(made)).status_code == 410
    forged = made[:-4] + ("0000" if not made.endswith("0000") else "1111")
    assert (await stranger.post(forged)).status_code == 410


async def test_a_link_and_a_session_end(
    harness: Harness[Settings], operator: httpx.AsyncClient, log_in: LogIn
) -> None:
    made = (await operator.post("/internal/logins", json={"subject": "ada"})).json()["url"]
    await harness.fetch("UPDATE logins SET expires_at = now() - interval '1 second'")
    assert (await operator.post(made)).status_code == 410
    ada = await log_in("ada")
    await harness.fetch("UPDATE sessions SET expires_at = now() - interval '1 second'")
    assert (await ada.get("/")).status_code == 303


async def test_making_links_needs_the_operator_token(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.post("/internal/logins", json={"subject": "ada"})
    assert answer.status_code == 401


async def test_whether_somebody_takes_part_is_not_told(
    harness: Harness[Settings], stranger: httpx.AsyncClient
) -> None:
    await harness.hear_table(example("participant.enrolled.v1"))
    known = await stranger.post("/login", data={"subject": "ada"})
    unknown = await stranger.post("/login", data={"subject": "nobody"})
    assert (known.status_code, known.headers["location"]) == (
        unknown.status_code,
        unknown.headers["location"],
    )
    asked = await harness.emitted_all(LoginRequested)
    assert [event.data.subject for event in asked] == ["ada"]  # type: ignore[attr-defined]


async def test_nobodys_mailbox_is_flooded(
    harness: Harness[Settings], stranger: httpx.AsyncClient
) -> None:
    await harness.hear_table(example("participant.enrolled.v1"))
    for _ in range(MAX_OPEN_LOGINS + 3):
        assert (await stranger.post("/login", data={"subject": "ada"})).status_code == 303
    assert len(await harness.emitted_all(LoginRequested)) == MAX_OPEN_LOGINS


async def test_a_referee_may_ask_for_a_link(
    harness: Harness[Settings], stranger: httpx.AsyncClient
) -> None:
    await harness.deliver(*stories.two_sided().events)
    await stranger.post("/login", data={"subject": "cust-77"})
    asked = await harness.emitted_all(LoginRequested)
    assert [event.data.subject for event in asked] == ["cust-77"]  # type: ignore[attr-defined]


async def test_logging_out_needs_our_own_form_and_ends_the_session(log_in: LogIn) -> None:
    ada = await log_in("ada")
    assert (await ada.post("/logout", data={"csrf": "guess"})).status_code == 403
    csrf = (await ada.get("/")).text.split('name="csrf" value="')[1].split('"')[0]
    cookie = dict(ada.cookies)
    assert (await ada.post("/logout", data={"csrf": csrf})).status_code == 303
    assert dict(ada.cookies) == {}
    ada.cookies.update(cookie)
    assert (await ada.get("/")).status_code == 303


async def test_logging_out_twice_asks_to_log_in(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize("path", ["/login", "/login/a.b", "/logout"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_of_another_site_is_refused(
    stranger: httpx.AsyncClient, path: str, site: str
) -> None:
    answer = await stranger.post(path, headers={"sec-fetch-site": site})
    assert answer.status_code == 403


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/json", FORM])
async def test_an_odd_form_is_no_error_of_ours(stranger: httpx.AsyncClient, kind: str) -> None:
    answer = await stranger.post("/login", content=b"\xff\x00=%", headers={"content-type": kind})
    assert answer.status_code < 500


async def test_the_session_cookie_is_out_of_reach(operator: httpx.AsyncClient) -> None:
    made = (await operator.post("/internal/logins", json={"subject": "ada"})).json()["url"]
    cookies = (await operator.post(made)).headers.get_list("set-cookie")
    [session] = [cookie for cookie in cookies if cookie.startswith("gw_session=")]
    for attribute in ("HttpOnly", "Path=/", "SameSite=lax", "Max-Age=43200"):
        assert attribute in session
    assert "Domain" not in session
