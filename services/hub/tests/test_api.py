"""Who may see what, and that every page and its JSON twin answer."""

from collections.abc import Sequence

import httpx
import pytest
from hub.settings import Settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from service_kit.testing import Harness
from shared_schemas.events.hub import LoginRequested

from .builders import example
from .conftest import LogIn

pytestmark = pytest.mark.real

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
CONVERSION: str = example("conversion.credited.v1").data.conversion_id  # type: ignore[attr-defined]
REFERRAL: str = example("referral.opened.v1").data.referral_id  # type: ignore[attr-defined]
PAGES = (
    "/",
    f"/conversions/{CONVERSION}",
    "/referrals",
    f"/referrals/{REFERRAL}",
    "/participants/ada",
)


async def _story(harness: Harness[Settings], types: Sequence[str]) -> None:
    await harness.deliver(*(example(name, traceparent=TRACEPARENT) for name in types))


PAID = (
    "referral.opened.v1",
    "conversion.credited.v1",
    "credit.cleared.v1",
    "reward.pending.v1",
    "reward.fulfilled.v1",
    "payout.settled.v1",
    "message.sent.v1",
)


@pytest.mark.parametrize("page", PAGES)
async def test_a_participant_sees_their_own_pages(
    harness: Harness[Settings], log_in: LogIn, page: str
) -> None:
    await _story(harness, PAID)
    ada = await log_in("ada")
    answer = await ada.get(page)
    assert answer.status_code == 200, answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("page", PAGES[1:])
async def test_what_is_somebody_elses_is_not_there(
    harness: Harness[Settings], log_in: LogIn, page: str
) -> None:
    await _story(harness, PAID)
    eve = await log_in("eve")
    answer = await eve.get(page)
    if page == "/referrals":
        assert REFERRAL not in answer.text
    else:
        assert answer.status_code == 404
        assert "ada" not in answer.text


@pytest.mark.parametrize("page", [*PAGES, "/parked"])
async def test_a_stranger_is_asked_to_log_in(stranger: httpx.AsyncClient, page: str) -> None:
    answer = await stranger.get(page)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize("page", [*PAGES, "/parked"])
async def test_an_operator_sees_everything(
    harness: Harness[Settings], log_in: LogIn, page: str
) -> None:
    await _story(harness, (*PAID, "event.parked.v1"))
    assert (await (await log_in("operator")).get(page)).status_code == 200


async def test_a_participant_sees_no_parked_events(log_in: LogIn) -> None:
    assert (await (await log_in("ada")).get("/parked")).status_code == 404


async def test_the_first_failing_step_is_said_first(
    harness: Harness[Settings], log_in: LogIn
) -> None:
    await _story(harness, ("conversion.credited.v1", "credit.rejected.v1", "reward.declined.v1"))
    page = (await (await log_in("ada")).get(f"/conversions/{CONVERSION}")).text
    told = page[page.index('class="note stop"') :]
    assert "Risk check" in told[:400]
    assert "the participant is the customer" in told[:400]


async def test_a_link_works_once(operator: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    made = (await operator.post("/internal/logins", json={"subject": "ada"})).json()["url"]
    assert (await stranger.get(made)).status_code == 200
    assert (await stranger.post(made)).status_code == 303
    assert (await stranger.post(made)).status_code == 410
    forged = made[:-4] + ("0000" if not made.endswith("0000") else "1111")
    assert (await stranger.post(forged)).status_code == 410


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


async def test_logging_out_needs_our_own_form(log_in: LogIn) -> None:
    ada = await log_in("ada")
    assert (await ada.post("/logout", data={"csrf": "guess"})).status_code == 403
    page = (await ada.get("/")).text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    assert (await ada.post("/logout", data={"csrf": csrf})).status_code == 303
    assert (await ada.get("/")).status_code == 303


async def test_the_json_twin_needs_the_operator_token(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/api/conversions")).status_code == 401


async def test_the_json_twin_tells_the_same_journey(
    harness: Harness[Settings], operator: httpx.AsyncClient
) -> None:
    await _story(harness, PAID)
    told = (await operator.get(f"/api/conversions/{CONVERSION}")).json()
    assert [stage["name"] for stage in told["journey"]["stages"]] == [
        "touches",
        "credit",
        "fraud",
        "reward",
        "payout",
        "message",
    ]
    assert told["journey"]["stopped_at"] is None
    assert told["trace"]["trace_ids"] == [TRACE]
    assert "attribution -conversion.credited.v1-> rewards" in told["trace"]["missing"]
    for name in ("conversions", "rewards", "deliveries", "payouts", "referrals", "verdicts"):
        assert len((await operator.get(f"/api/{name}")).json()[name]) == 1


def _export(name: str, service: str) -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    attribute = resource.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", service
    span = resource.scope_spans.add().spans.add()
    span.trace_id, span.span_id = bytes.fromhex(TRACE), bytes.fromhex("00f067aa0ba902b7")
    span.name, span.start_time_unix_nano, span.end_time_unix_nano = name, 10**18, 10**18 + 10**7
    secret = span.attributes.add()
    secret.key, secret.value.string_value = "db.statement", "select 'ada@example.com'"
    return request.SerializeToString()


async def test_spans_are_kept_drawn_and_hold_only_what_is_allowed(
    harness: Harness[Settings], operator: httpx.AsyncClient, log_in: LogIn
) -> None:
    await _story(harness, PAID)
    for _ in range(2):
        body = _export("rewards conversion.credited.v1", "rewards")
        assert (await operator.post("/v1/traces", content=body)).status_code == 200
    kept = (await operator.get(f"/api/traces/{TRACE}")).json()["spans"]
    assert [(span["service"], span["attributes"]) for span in kept] == [("rewards", {})]
    told = (await operator.get(f"/api/conversions/{CONVERSION}")).json()["trace"]
    assert "attribution -conversion.credited.v1-> rewards" not in told["missing"]
    assert "<svg" in (await (await log_in("ada")).get(f"/conversions/{CONVERSION}")).text


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"{}"])
async def test_what_is_no_export_is_refused(operator: httpx.AsyncClient, body: bytes) -> None:
    assert (await operator.post("/v1/traces", content=body)).status_code == 400


@pytest.mark.parametrize("name", ["hub.css", "htmx.min.js"])
async def test_assets_come_from_our_own_origin(stranger: httpx.AsyncClient, name: str) -> None:
    answer = await stranger.get(f"/static/{name}")
    assert answer.status_code == 200
    assert "https://" not in (await stranger.get("/login")).text
